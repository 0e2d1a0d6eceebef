// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { type Description, type Feed, feedKey, feedOf, type KubeObject } from '@clusternet/api-types';
import { hashObject } from './hash.ts';
import { trimObject } from './prepare.ts';

/** One object of a Description, ready to be applied. */
export interface DesiredObject {
  /** Feed key, the identity of the object. */
  key: string;
  feed: Feed;
  /** Trimmed object. */
  object: KubeObject;
  /** {@link hashObject} of it. */
  hash: string;
}

/** What the `raw` list of a Description says. */
export interface DecodedDescription {
  /** In the order of the list; an object named twice counts once, by its first entry. */
  objects: DesiredObject[];
  /** Entries that are not Kubernetes objects, with their position. */
  invalid: { index: number; message: string }[];
}

/** Reads the objects out of `Description.spec.raw`. An entry that cannot be read is reported and does not stop the others. */
export function decodeDescription(description: Description): DecodedDescription {
  const objects = new Map<string, DesiredObject>();
  const invalid: DecodedDescription['invalid'] = [];
  for (const [index, text] of (description.spec?.raw ?? []).entries()) {
    try {
      const object = trimObject(parseObject(text));
      const feed = feedOf(object);
      const key = feedKey(feed);
      if (!objects.has(key)) objects.set(key, { key, feed, object, hash: hashObject(object) });
    } catch (error) {
      invalid.push({ index, message: `spec.raw[${index}]: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  return { objects: [...objects.values()], invalid };
}

function parseObject(text: string): KubeObject {
  const value = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Partial<KubeObject> | undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not a JSON object');
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') throw new TypeError(`${field} is missing`);
  }
  if (typeof value.metadata?.name !== 'string' || value.metadata.name === '') throw new TypeError('metadata.name is missing');
  return value as KubeObject;
}
