// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type Base, type Description, feedKey, stableStringify } from '@clusternet/api-types';
import { contentOf, sameContent, stampOf } from '../rollout/revision.ts';
import { stillUndone, undoneBy, undoneOf } from '../rollout/undo.ts';
import { plainHash, renderDescriptions, type Rendering, type RenderInput } from './renderDescriptions.ts';
import {
  chartHash,
  helmDescriptionName,
  isChartFeed,
  renderHelmDescription,
  type RenderHelmInput,
} from './renderHelmDescription.ts';
import { shardName } from './shards.ts';

/** Everything that the Descriptions of a Base depend on. */
export type RenderBaseInput = Omit<RenderInput & RenderHelmInput, 'undone' | 'limits' | 'limit'>;

/** Renders all feeds of a Base: objects and charts. The first Description carries what an undo left behind. */
export function renderBase(input: RenderBaseInput): Rendering {
  const { base, previous, undo } = input;
  const first = firstOf(base, previous);
  const state = {
    feeds: new Map((base.spec.feeds ?? []).map((feed) => [feedKey(feed), feed])),
    hashOf: (feed: Parameters<typeof plainHash>[1]) => (isChartFeed(feed) ? chartHash(input, feed) : plainHash(input, feed)),
    ownedBy: input.ownedBy ?? (() => undefined),
  };
  const before = undoneOf(first);
  const undone = undo
    ? undoneBy(undo, {
        ...state,
        before,
        from: sameContent(contentOf(previous), undo.content) ? undefined : stampOf(first)?.number,
      })
    : before && stillUndone(before, state);
  const generic = renderDescriptions({ ...input, undone });
  const helm = renderHelmDescription({ ...input, undone });
  const descriptions = [...generic.descriptions, ...(helm.description ? [helm.description] : [])];
  if (undone) mark(descriptions[0], { [annotations.undone]: stableStringify(undone) });
  return {
    ...generic,
    descriptions,
    surplus: [...generic.surplus, ...(helm.surplus ? [helm.surplus] : [])],
    newlySkipped: [...generic.newlySkipped, ...helm.newlySkipped],
    outcomes: [...generic.outcomes, ...helm.outcomes],
  };
}

/** The Description that carries the marks of a Base: that of its objects, or that of its charts where it has nothing else. */
export function firstOf(base: Pick<Base, 'metadata'>, descriptions: readonly Description[]): Description | undefined {
  const named = (name: string): Description | undefined => descriptions.find(({ metadata }) => metadata.name === name);
  return named(shardName(base.metadata.name, 1)) ?? named(helmDescriptionName(base.metadata.name));
}

/** Annotates a Description that is not written yet. */
export function mark(description: Description | undefined, marks: Record<string, string>): void {
  if (description) description.metadata.annotations = { ...description.metadata.annotations, ...marks };
}
