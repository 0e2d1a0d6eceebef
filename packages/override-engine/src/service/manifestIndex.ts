// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed, feedKey, type Manifest } from '@clusternet/api-types';
import { feedOfManifest } from '../render/encodeManifest.ts';

/** The Manifests by the feed they answer, in memory: finding one costs no request and no label. */
export class ManifestIndex {
  readonly #byKey = new Map<string, Map<string, Manifest>>();
  readonly #keys = new Map<string, string>();

  /**
   * The Manifest that answers a feed: the one whose object has exactly this apiVersion, kind, namespace and name; the
   * oldest, should there be several.
   */
  find(feed: Feed): Manifest | undefined {
    const candidates = [...(this.#byKey.get(feedKey(feed))?.values() ?? [])];
    return candidates.sort(byAge)[0];
  }

  /** Takes over a Manifest as it is now and returns the feed keys whose answer may have changed. */
  set(manifest: Manifest): string[] {
    const { name } = manifest.metadata;
    const feed = feedOfManifest(manifest);
    const key = feed && feedKey(feed);
    const before = this.#keys.get(name);
    if (before !== undefined && before !== key) this.delete(name);
    if (key !== undefined) {
      const named = this.#byKey.get(key) ?? new Map<string, Manifest>();
      named.set(name, manifest);
      this.#byKey.set(key, named);
      this.#keys.set(name, key);
    }
    return [...new Set([before, key].filter((one) => one !== undefined))];
  }

  /** Drops a Manifest and returns the feed keys whose answer may have changed. */
  delete(name: string): string[] {
    const key = this.#keys.get(name);
    if (key === undefined) return [];
    this.#keys.delete(name);
    const named = this.#byKey.get(key);
    named?.delete(name);
    if (named?.size === 0) this.#byKey.delete(key);
    return [key];
  }
}

function byAge(a: Manifest, b: Manifest): number {
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`);
  return (x ?? '') < (y ?? '') ? -1 : 1;
}
