// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type HelmRelease, type HelmReleaseSpec, stableStringify } from '@clusternet/api-types';

/** Most bytes of the values of one release: they are stored in the HelmRelease, and once more in Helm's own record. */
export const maxValuesBytes = 1_000_000;

/** Values of a release that cannot be used. */
export class ValuesError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ValuesError';
  }
}

/**
 * The values of a release as JSON text, `{}` when there are none.
 *
 * @throws ValuesError when they are not a JSON object, or too large
 */
export function valuesOf({ overrides }: HelmReleaseSpec): string {
  const text = Buffer.from(overrides ?? '', 'base64')
    .toString('utf8')
    .trim();
  if (text === '') return '{}';
  if (text.length > maxValuesBytes) {
    throw new ValuesError(`the values take ${text.length} bytes, and ${maxValuesBytes} is the most that a release can have`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ValuesError('the values are not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ValuesError('the values must be an object with a key for each value');
  }
  // As given: what JavaScript cannot hold, such as numbers above 2^53, stays as it is.
  return text;
}

/** Name and namespace of the release that a HelmRelease stands for. */
export function releaseRefOf({ metadata, spec }: HelmRelease): { name: string; namespace: string } {
  return { name: spec.releaseName || metadata.name, namespace: spec.targetNamespace };
}

/** A short name for a HelmRelease that is a label value whatever its length. */
export function releaseHash(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

/**
 * A hash of all that makes a difference to what is installed: an upgrade is made only when it changes. How long, and how patiently, helm
 * works is not part of it.
 */
export function inputsHash(spec: HelmReleaseSpec): string {
  const { repo, chart, version, skipCRDs, replaceCRDs, disableHooks, force, overrides = '' } = spec;
  const values = Buffer.from(overrides, 'base64').toString('utf8').trim();
  const flags = [skipCRDs, replaceCRDs, disableHooks, force].map((flag) => flag === true);
  const inputs = stableStringify([repo, chart, version ?? '', flags, values]);
  return createHash('sha256').update(inputs).digest('hex').slice(0, 32);
}
