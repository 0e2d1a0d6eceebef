// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed, feedKey, feedOf, type KubeObject } from '@clusternet/api-types';
import { applyOverride, type Override, refuse } from './applyOverride.ts';
import { isJsonObject } from './json.ts';

/**
 * Applies overrides, in the order given, to an object. The arguments stay as they are.
 *
 * @throws OverrideError when one does not fit, is for charts, or makes another object of it.
 */
export function renderObject({ object, overrides }: { object: KubeObject; overrides: readonly Override[] }): KubeObject {
  const feed = feedOf(object);
  let document: unknown = object;
  for (const override of overrides) {
    if (override.config.overrideChart === true) throw refuse(override, 'overrideChart is for HelmChart feeds only');
    document = applyOverride(document, override, 'object');
    checkIdentity(document, { feed, override });
  }
  return document as KubeObject;
}

/** What is deployed and pruned goes by these names: an override that changed one would leave the old object behind. */
function checkIdentity(document: unknown, { feed, override }: { feed: Feed; override: Override }): void {
  const { metadata } = isJsonObject(document) ? document : {};
  if (isJsonObject(document) && isJsonObject(metadata) && feedKey(feedOf(document as KubeObject)) === feedKey(feed)) return;
  throw refuse(override, 'apiVersion, kind, namespace and name cannot be overridden');
}
