// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { type Change, type Informer } from '@clusternet/runtime';
import { baseOfShard } from '../render/shards.ts';
import { withoutObserved } from './withoutObserved.ts';

/** Name of the index of Descriptions by their Base, `namespace/name`. */
export const byBase = 'base';

/**
 * Key of the Base that a Description belongs to: that of its owner reference or, should somebody have taken that away, the one
 * that its name says. Undefined when there is neither.
 */
export function baseKeyOf({ metadata: { name, namespace, ownerReferences } }: Description): string | undefined {
  const owner = ownerReferences?.find(({ kind, controller }) => kind === 'Base' && controller !== false);
  const base = owner?.name ?? baseOfShard(name);
  return base === undefined ? undefined : objectKey({ namespace, name: base });
}

/**
 * The Descriptions as the informer and our own writes show them: an informer lags behind a write, and a rendering that
 * does not see what the one before has written would repeat it.
 */
export class LatestDescriptions {
  readonly #informer: Pick<Informer<Description>, 'byIndex'>;
  readonly #written = new Map<string, Description>();

  /** `informer` must have the index {@link byBase}. */
  constructor(informer: Pick<Informer<Description>, 'byIndex'>) {
    this.#informer = informer;
  }

  /** The Descriptions of a Base. */
  of(base: string): Description[] {
    const found = new Map(this.#informer.byIndex(byBase, base).map((description) => [objectKey(description), description]));
    for (const [key, description] of this.#written) {
      if (baseKeyOf(description) === base) found.set(key, newer(found.get(key), description));
    }
    return [...found.values()];
  }

  /** Takes note of the answer to a write. */
  wrote(description: Description): void {
    this.#written.set(objectKey(description), withoutObserved(description));
  }

  /** Takes note of what the informer saw; returns whether this was only the echo of a write. */
  seen({ type, key, object }: Change<Description>): boolean {
    const written = this.#written.get(key);
    if (!written) return false;
    const { uid, resourceVersion } = object.metadata;
    const same = uid === written.metadata.uid;
    if (type === 'deleted' ? same : !same || !isOlder(object, written)) this.#written.delete(key);
    return type !== 'deleted' && same && resourceVersion === written.metadata.resourceVersion;
  }

  /** Whether something was written that the informer does not show yet, and perhaps never will. */
  isAhead(key: string): boolean {
    return this.#written.has(key);
  }

  /** Drops what was written, after a live read showed that it is gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}

function newer(informed: Description | undefined, written: Description): Description {
  if (!informed || informed.metadata.uid !== written.metadata.uid) return written;
  return isOlder(informed, written) ? written : informed;
}

/** Whether `a` is an older state of an object than `b`. Not by their generations: a status has no part in those. */
function isOlder(a: Description, b: Description): boolean {
  return versionOf(a) < versionOf(b);
}

function versionOf({ metadata: { resourceVersion = '' } }: Description): bigint {
  return /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n;
}
