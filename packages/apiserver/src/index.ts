// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export {
  type ApiServer,
  type ApiServerOptions,
  clusternetSecretExtras,
  createApiServer,
  type ServingOptions,
} from './apiServer.ts';
export { type User } from './authn/user.ts';
export { createPeerCertificate, type PeerCertificate, type PeerCertificateOptions } from './certificates/peerCertificate.ts';
export { apiServerConfig, type ApiServerConfig } from './config.ts';
export { type ApiResource, type ApiSubresource, type GroupVersion } from './discovery/apiResource.ts';
export { type GroupVersionHandlers, type UpgradeHandler } from './registry.ts';
export { writeJson, writeRawStatus, writeStatus } from './request/answers.ts';
export { defaultBodyLimit, readBody, type ReadBodyOptions, readJson } from './request/body.ts';
export { type KubeContext, type KubeRequest } from './request/kubeContext.ts';
export { type RequestClass } from './request/requestClass.ts';
export { type RequestInfo } from './request/requestInfo.ts';
export { type StatusBody, type StatusDetails, StatusError, type StatusErrorOptions } from './request/statusError.ts';
export { toStatusError } from './request/toStatusError.ts';
