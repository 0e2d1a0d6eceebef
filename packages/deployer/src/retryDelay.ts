// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { backoffDelay } from '@clusternet/runtime';
import { type ObjectErrorReason } from './objectError.ts';

/** Causes that pass by themselves, usually within seconds. */
const passing = new Set<ObjectErrorReason>(['Conflict', 'NamespaceNotFound', 'NamespaceTerminating', 'NoKind', 'Terminating']);

/**
 * Milliseconds until an object that failed `failures` times in a row is tried again: exponential with jitter, up to 15 s
 * for causes that pass by themselves and up to a minute for refusals, which only a change of the object or child cures.
 */
export function retryDelay(reason: ObjectErrorReason, failures: number, random: () => number): number {
  const bounds = passing.has(reason) ? { initialMs: 500, maxMs: 15_000 } : { initialMs: 1_000, maxMs: 60_000 };
  return backoffDelay(failures - 1, { ...bounds, jitter: 0.4 }, random);
}

/** Milliseconds until an object that is being deleted is looked at again, for the `looks`-th time. */
export function leavingDelay(looks: number, random: () => number): number {
  return backoffDelay(looks - 1, { initialMs: 100, maxMs: 2_000, jitter: 0.4 }, random);
}
