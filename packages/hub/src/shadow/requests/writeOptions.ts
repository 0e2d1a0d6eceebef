// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '@clusternet/apiserver';

/**
 * Whether a write is to store nothing.
 *
 * @throws StatusError 422 for anything but `All`
 */
export function isDryRun(query: URLSearchParams, options: string): boolean {
  const values = query.getAll('dryRun').filter((value) => value !== '');
  for (const value of values) {
    if (value === 'All') continue;
    const message = `Unsupported value: "${value}": supported values: "All"`;
    throw new StatusError(422, `${options}.meta.k8s.io "" is invalid: dryRun: ${message}`, {
      details: {
        group: 'meta.k8s.io',
        kind: options,
        causes: [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }],
      },
    });
  }
  return values.length > 0;
}
