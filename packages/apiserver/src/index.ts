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
export { type FieldTerm, exactValue, matchesFields, parseFieldSelector } from './resources/fieldSelector.ts';
export { type LabelPredicate, parseLabelSelector } from './resources/labelSelector.ts';
export { flag, type ListQuery, parseListQuery } from './resources/listOptions.ts';
export { checkExactIntegers } from './resources/exactNumbers.ts';
export { parseDocument } from './resources/parseDocument.ts';
export { readObject, type ReceivedObject } from './resources/readObject.ts';
export { type Representation, representation } from './resources/representation.ts';
export {
  age,
  type Cell,
  humanDuration,
  type TableColumn,
  type TablePrinter,
  toPartialMetadata,
  toTable,
} from './resources/table.ts';
export { type ListWriting, writeList } from './resources/writeList.ts';
export { EventLog, type LogEntry, type LogPosition } from './watch/eventLog.ts';
export { expired, serveWatch, type WatchServing } from './watch/serveWatch.ts';
export { isObject, jsonEqual, type JsonObject, omit } from './patch/json.ts';
export { jsonPatch } from './patch/jsonPatch.ts';
export {
  type Applied,
  applyConfiguration,
  entriesBefore,
  type FieldManager,
  managerName,
  type ManagedFieldsEntry,
  ownByUpdate,
  sameOwnership,
} from './patch/managedFields.ts';
export { mergePatch } from './patch/mergePatch.ts';
export { mergeSchema, type MergeSchema } from './patch/schema.ts';
export { strategicMerge } from './patch/strategicMerge.ts';
export { type RequestClass } from './request/requestClass.ts';
export { type RequestInfo } from './request/requestInfo.ts';
export { type StatusBody, type StatusDetails, StatusError, type StatusErrorOptions } from './request/statusError.ts';
export { toStatusError } from './request/toStatusError.ts';
export { memo } from './util/memo.ts';
