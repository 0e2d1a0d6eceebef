// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type KubeObject, stableStringify } from '@clusternet/api-types';

/** Part of the hash, so that a change in how objects are prepared makes every object be applied once more. */
const format = '1';

/**
 * Hash of what is applied, independent of the order of keys. Stored as annotation on the object in the child: equal
 * means that nothing has to be written. 96 bits, hexadecimal.
 */
export function hashObject(object: KubeObject): string {
  return createHash('sha256').update(format).update(stableStringify(object)).digest('hex').slice(0, 24);
}
