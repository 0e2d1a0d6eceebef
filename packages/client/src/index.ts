// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export {
  ApiError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isTooManyRequests,
  isUnauthorized,
  type Status,
} from './apiError.ts';
export { ClientClosedError, ConnectionError } from './connectionError.ts';
export { core } from './core.ts';
export { type TokenSource } from './credentials.ts';
export { connectorOver, type Dial, secureStream, type SecureStreamOptions } from './dial.ts';
export {
  type ClientOptions,
  KubeClient,
  type KubeConfigOptions,
  type RequestInfo,
  type RequestOptions,
  type ServerOptions,
} from './kubeClient.ts';
export { objectKey, type ObjectRef, parseKey } from './objectRef.ts';
export { type Query, resourcePath } from './paths.ts';
export {
  type ApplyOptions,
  type CallOptions,
  type DeleteCollectionOptions,
  type DeleteOptions,
  type KubeList,
  type ListOptions,
  type PatchOptions,
  type ResourceClient,
  type WatchOptions,
  type WriteOptions,
} from './resourceClient.ts';
export { resourceDefinition, splitApiVersion } from './resourceDefinition.ts';
export { type Discovery } from './discovery.ts';
export { NoKindError, RestMapper } from './restMapper.ts';
export { type WatchEvent } from './watch.ts';
