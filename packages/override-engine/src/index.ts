// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { renderDescriptions, type Rendering, type RenderInput } from './render/renderDescriptions.ts';
export { maxObjectBytes, maxShardBytes } from './render/shards.ts';
export { OverrideEngine, type OverrideEngineOptions } from './service/overrideEngine.ts';
