// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type User } from '@clusternet/apiserver';

/**
 * Headers by which the hub asks the parent in the name of a user.
 *
 * @param group - one more group, for rights that only such requests have
 */
export function impersonationHeaders({ name, uid, groups, extra }: User, group?: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'impersonate-user': name };
  const all = group === undefined ? groups : [...groups, group];
  if (all.length > 0) headers['impersonate-group'] = all;
  if (uid !== undefined && uid !== '') headers['impersonate-uid'] = uid;
  for (const [key, values] of Object.entries(extra)) {
    if (values.length > 0) headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = values;
  }
  return headers;
}
