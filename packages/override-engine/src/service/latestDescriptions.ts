// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { type Change, type Informer } from '@clusternet/runtime';

/** Name of the index of Descriptions by their Base, `namespace/name`. */
export const byBase = 'base';

/** Key of the Base that owns a Description; undefined when none does. */
export function baseKeyOf(description: Description): string | undefined {
  const owner = description.metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Base' && controller !== false);
  return owner && objectKey({ namespace: description.metadata.namespace, name: owner.name });
}

/**
 * The Descriptions as the informer and our own writes show them: an informer lags behind a write, and a rendering that
 * does not see what the one before has written would repeat it.
 */
export class LatestDescriptions {
  readonly #informer: Informer<Description>;
  readonly #written = new Map<string, Description>();

  /** `informer` must have the index {@link byBase}. */
  constructor(informer: Informer<Description>) {
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
    this.#written.set(objectKey(description), description);
  }

  /** Takes note of what the informer saw; returns whether this was only the echo of a write. */
  seen({ type, key, object }: Change<Description>): boolean {
    const written = this.#written.get(key);
    if (!written) return false;
    const { uid, generation = 0 } = object.metadata;
    const same = uid === written.metadata.uid;
    const own = written.metadata.generation ?? 0;
    if (type === 'deleted' ? same : !same || generation >= own) this.#written.delete(key);
    return type !== 'deleted' && same && generation === own;
  }

  /** Drops what was written, after a live read showed that it is gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}

function newer(informed: Description | undefined, written: Description): Description {
  if (!informed || informed.metadata.uid !== written.metadata.uid) return written;
  return (informed.metadata.generation ?? 0) >= (written.metadata.generation ?? 0) ? informed : written;
}
