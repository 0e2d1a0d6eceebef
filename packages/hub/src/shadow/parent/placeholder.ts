// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto';
import { type JsonObject, isObject } from '@clusternet/apiserver';

/** Another name for an object, as its own is taken in the parent. */
export interface Placeholder {
  /** The object under the other name. */
  document: JsonObject;
  name: string;
  /** Puts the real name back wherever the other one has got to, in any text of JSON. */
  restore: (text: string) => string;
}

const suffixLength = 8;

/**
 * Gives an object a name that nobody else has.
 *
 * @remarks The name is random enough to be found again in everything that the parent derives from it, and no longer than it may be.
 */
export function placeholder(document: JsonObject, name: string): Placeholder {
  const metadata = isObject(document['metadata']) ? document['metadata'] : {};
  const suffix = `x${randomBytes(4).toString('hex')}`.slice(0, suffixLength);
  const spec = document['spec'];
  const group = isObject(spec) && typeof spec['group'] === 'string' ? spec['group'] : undefined;
  if (document['kind'] === 'CustomResourceDefinition' && group !== undefined) {
    // Its name has to be made of plural and group.
    const other = `${suffix}.${group}`;
    const otherName = name.endsWith(`.${group}`) ? `${name.slice(0, -group.length)}${other}` : name;
    return {
      document: { ...document, metadata: { ...metadata, name: otherName }, spec: { ...(spec as JsonObject), group: other } },
      name: otherName,
      restore: (text) => text.replaceAll(other, group),
    };
  }
  const other = name.length > 40 ? name.slice(0, -suffixLength).replace(/[-.]$/, 'x') + suffix : `${name}-${suffix}`;
  return {
    document: { ...document, metadata: { ...metadata, name: other } },
    name: other,
    restore: (text) => text.replaceAll(other, JSON.stringify(name).slice(1, -1)),
  };
}
