// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { ClusterDeployer, type ClusterDeployerOptions } from './clusterDeployer.ts';
export { type DecodedDescription, decodeDescription, type DesiredObject } from './decode.ts';
export { deployerConditions } from './descriptionStatus.ts';
export { containsDesired } from './drift.ts';
export { hashObject } from './hash.ts';
export { type ObjectErrorReason } from './objectError.ts';
export { type Owner, ownerText, parseOwner } from './ownership.ts';
export { trimObject } from './prepare.ts';
export { firstShard } from './shards.ts';
export { planRemoval, planWaves } from './waves.ts';
