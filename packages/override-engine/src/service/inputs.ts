// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import {
  type Base,
  type Feed,
  feedKey,
  type Globalization,
  type HelmChart,
  type Localization,
  type Manifest,
  stableStringify,
} from '@clusternet/api-types';
import { encodeManifest } from '../render/encodeManifest.ts';

// Objects of an informer are never changed in place.
const hashes = new WeakMap<object, string>();

/**
 * Hash of all that a Subscription is rendered from, in whichever cluster: its feeds, their Manifests, all overrides of them, and an undo. Equal for
 * all Bases of a Subscription once each knows of the same state of these.
 */
export function inputsOf(
  base: Base,
  o: {
    manifestOf: (feed: Feed) => Manifest | undefined;
    chartOf: (feed: Feed) => HelmChart | undefined;
    overridesOf: (feed: Feed) => readonly (Globalization | Localization)[];
    undo: string | undefined;
  },
): string {
  const feeds = [...(base.spec.feeds ?? [])].sort((a, b) => (feedKey(a) < feedKey(b) ? -1 : 1));
  const hash = createHash('sha256').update(o.undo ?? '');
  for (const feed of feeds) {
    const manifest = o.manifestOf(feed);
    hash.update(feedKey(feed)).update(manifest ? hashOnce(manifest, () => encodeManifest(manifest)?.raw ?? '') : '');
    const chart = o.chartOf(feed);
    if (chart) hash.update(hashOnce(chart, () => stableStringify([chart.spec, chart.status?.version])));
    const overrides = o.overridesOf(feed).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const specs = overrides.map((one) =>
      hashOnce(one, () => `${one.metadata.namespace} ${one.metadata.name} ${stableStringify(one.spec)}`),
    );
    for (const spec of specs.sort()) hash.update(spec);
  }
  return hash.digest('hex').slice(0, 12);
}

function hashOnce(object: object, text: () => string): string {
  const known = hashes.get(object);
  if (known !== undefined) return known;
  const made = createHash('sha256').update(text()).digest('base64url');
  hashes.set(object, made);
  return made;
}
