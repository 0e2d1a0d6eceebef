// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { ClusterDeployer, type ClusterDeployerOptions } from './clusterDeployer.ts';
export { type DecodedDescription, decodeDescription, type DesiredObject } from './decode.ts';
export { deployerConditions } from './descriptionStatus.ts';
export { containsDesired } from './drift.ts';
export { hashObject } from './hash.ts';
export { chartCredentialsKey, credentialsFromSecret } from './helm/credentialsSecret.ts';
export { createHelmEngine, type HelmSettings } from './helm/createHelmEngine.ts';
export { HelmDeployer, type HelmDeployerOptions, type HelmEngine } from './helm/helmDeployer.ts';
export { helmFlags, helmSettings } from './helm/helmFlags.ts';
export { maxValuesBytes } from './helm/release/inputs.ts';
export { ReleaseWorker, type ReleaseWorkerOptions } from './helm/release/releaseWorker.ts';
export { type HelmAccess } from './helm/run/helmSession.ts';
export { type ChartCredentials, type ChartRef, type ResolvedChart } from './helm/source/chartRef.ts';
export { ChartSource } from './helm/source/chartSource.ts';
export { ChartSourceError } from './helm/source/chartSourceError.ts';
export { type ObjectErrorReason } from './objectError.ts';
export { type Owner, ownerText, parseOwner } from './ownership.ts';
export { trimObject } from './prepare.ts';
export { firstShard } from './shards.ts';
export { planRemoval, planWaves } from './waves.ts';
