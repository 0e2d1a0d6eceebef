// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { type Binaries, ensureBinaries, type EnsureBinariesOptions } from './binaries/ensureBinaries.ts';
export { type Cluster, type ClusterOptions } from './cluster.ts';
export { ClusterSet, startClusters, type StartClustersOptions } from './clusters.ts';
export { LocalupError } from './errors.ts';
export { type AnyObject, type KubeApi, KubeApiError, until } from './kubeApi.ts';
export { kubeconfigYaml, type KubeconfigOptions } from './kubeconfig.ts';
export { type NodeCapacity } from './nodes.ts';
export { CertificateAuthority, type CertificateRequest, type KeyPairPem } from './pki.ts';
export { freePort, freePorts } from './ports.ts';
export { type Progress, progressToStderr, silent } from './progress.ts';
export { endSet, isSetRunning } from './supervisor/leftovers.ts';
export { type BinaryName, versions } from './versions.ts';
