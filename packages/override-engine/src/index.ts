// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { renderDescriptions, type Rendering, type RenderInput } from './render/renderDescriptions.ts';
export { type HelmRendering, isChartFeed, renderHelmDescription, type RenderHelmInput } from './render/renderHelmDescription.ts';
export { maxObjectBytes, maxShardBytes } from './render/shards.ts';
export { OverrideEngine, type OverrideEngineOptions } from './service/overrideEngine.ts';
export { type Override } from './overrides/applyOverride.ts';
export { type JsonObject } from './overrides/json.ts';
export { OverrideError, type OverrideOrigin } from './overrides/overrideError.ts';
export { renderHelm, type RenderedHelm } from './overrides/renderHelm.ts';
export { renderObject } from './overrides/renderObject.ts';
export { selectOverrides, type ClusterLabels, type OverrideCandidates } from './overrides/selectOverrides.ts';
export { type OverrideOutcome } from './render/renderFeed.ts';
export {
  contentOf,
  decodeRevision,
  encodeRevision,
  type HistoryEntry,
  historyOf,
  objectsOfContent,
  type RenderedContent,
  type RevisionStamp,
  sameContent,
  stampOf,
} from './rollout/revision.ts';
export { addUndoRequest, everyCluster, latestUndoRequest, type Undone, undoneOf, type UndoRequest } from './rollout/undo.ts';
export { firstOf } from './render/renderBase.ts';
export {
  planRollout,
  type RolloutMember,
  type RolloutPlan,
  type RolloutStrategy,
  rolloutStrategySchema,
} from './rollout/plan.ts';
export { preview, type PreviewedCluster, type PreviewInput, subscriptionsWith } from './preview/preview.ts';
