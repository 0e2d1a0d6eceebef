// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Subscription } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';

/**
 * Subscriptions as they are after our own writes: an informer shows a write a moment later, and a decision on the state before it
 * could divide the same replicas twice.
 */
export class LatestSubscriptions {
  readonly #source: { get(key: string): Subscription | undefined };
  readonly #written = new Map<string, Subscription>();

  constructor(source: { get(key: string): Subscription | undefined }) {
    this.#source = source;
  }

  get(key: string): Subscription | undefined {
    const seen = this.#source.get(key);
    const written = this.#written.get(key);
    if (written === undefined) return seen;
    if (seen !== undefined && seen.metadata.uid === written.metadata.uid && isNewer(written, seen)) return written;
    this.#written.delete(key);
    return seen;
  }

  wrote(subscription: Subscription): void {
    this.#written.set(objectKey(subscription), subscription);
  }

  /** Whether this is exactly what was written last; the informer has caught up then. */
  isOwn({ metadata }: Subscription): boolean {
    const written = this.#written.get(objectKey(metadata));
    return written?.metadata.resourceVersion !== undefined && written.metadata.resourceVersion === metadata.resourceVersion;
  }
}

function isNewer(a: Subscription, b: Subscription): boolean {
  const [x = '', y = ''] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  // Versions are decimal numbers without leading zeros, too long for a float.
  return x.length === y.length ? x > y : x.length > y.length;
}
