// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export * from './wellKnown.ts';
export { dnsLabel, dnsSubdomain, isLabelKey, isLabelValue, labelName, labelValue, MAX_LABEL, MAX_SUBDOMAIN } from './syntax.ts';
export { parseClusterLabels } from './clusterLabels.ts';
export { serverMetadata } from './serverMetadata.ts';
export { apiVersionOf, resources, type ResourceDefinition, type ResourceKey } from './resources.ts';
export { helmReleaseName } from './helmRelease.ts';
export { caHash, fnv1a32, fnv1a64, suffix } from './hash.ts';
export { stableStringify } from './stableStringify.ts';
export { feedKey, feedOf, manifestName } from './feed.ts';
export { isBuiltInApi } from './builtInApis.ts';
export { matchesSelector } from './selector.ts';
export { tolerates } from './tolerates.ts';
export { type NodeSelectorRequirement, type NodeSelectorTerm, matchesNodeSelectorTerm } from './nodeSelector.ts';
export { formatQuantity, parseQuantity, type Quantity, type QuantityFormat, sameQuantity, sumQuantities } from './quantity.ts';
export { ApiTypeError, parseKind, type FieldIssue, type KindTypeOf } from './parseKind.ts';
export { crds, type CustomResourceDefinition, type PrinterColumn } from './crd/crds.ts';
export { type JsonSchema } from './crd/structuralSchema.ts';
export { jsonSchemas, type PublishedSchema } from './jsonSchemas.ts';
export { schemas, type KindTypes } from './schemas/all.ts';
export * from './schemas/common.ts';
export * from './schemas/core.ts';
export * from './schemas/clusters.ts';
export * from './schemas/subscription.ts';
export * from './schemas/description.ts';
export * from './schemas/overrides.ts';
export * from './schemas/helm.ts';
export * from './schemas/feedInventory.ts';
export * from './schemas/multicluster.ts';
export * from './schemas/predictor.ts';
export * from './schemas/proxies.ts';
