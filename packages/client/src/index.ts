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
export { childCredentialHeaders, type ChildCredentials, childPath } from './childAccess.ts';
export { ClientClosedError, ConnectionError, connectionTrouble, errorCode } from './connectionError.ts';
export { core } from './core.ts';
export { type HttpAnswer } from './exchange.ts';
export { type CaSource, type HeaderValues, type TokenSource } from './credentials.ts';
export { type DerivedKubeConfig } from './derivedKubeConfig.ts';
export { connectorOver, type Dial, secureStream, type SecureStreamOptions } from './dial.ts';
export {
  type ClientOptions,
  KubeClient,
  type KubeConfigOptions,
  type RequestInfo,
  type RequestOptions,
  type ServerOptions,
} from './kubeClient.ts';
export { type LoadedKubeConfig } from './kubeConfigCredentials.ts';
export { readKubeConfig } from './loadKubeConfig.ts';
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
export { rewriteForShadow } from './shadow.ts';
export { type WatchEvent } from './watch.ts';
export {
  type ChildCluster,
  childKubeConfig,
  findCluster,
  isClusterId,
  openChild,
  type OpenChildOptions,
  withHeaders,
  wrapKubeConfig,
} from './wrapKubeConfig.ts';
