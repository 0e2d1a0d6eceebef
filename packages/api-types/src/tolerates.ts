// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Taint, type Toleration } from './schemas/common.ts';

/**
 * Whether a toleration accepts a taint, by the rules of Kubernetes: no effect means every effect, no key with `Exists` every key,
 * and the operator is `Equal` unless it says otherwise. Operators that this version does not know accept nothing.
 */
export function tolerates(toleration: Toleration, taint: Pick<Taint, 'key' | 'value' | 'effect'>): boolean {
  const { key = '', value = '', effect = '', operator = 'Equal' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key === '') return operator === 'Exists';
  if (key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return operator === 'Equal' && value === (taint.value ?? '');
}
