// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { type Binaries, ensureBinaries, type EnsureBinariesOptions } from './binaries/ensureBinaries.ts';
export { installChart, type InstallChartOptions, uninstallChart } from './charts/installChart.ts';
export { type LocalProcess } from './charts/localProcess.ts';
export { startProcess, type StartProcessOptions } from './charts/startProcess.ts';
export { startWorkload, type StartWorkloadOptions, type Workload } from './charts/startWorkload.ts';
export { type Cluster, type ClusterOptions } from './cluster.ts';
export { ClusterSet, startClusters, type StartClustersOptions } from './clusters.ts';
export { LocalupError } from './errors.ts';
export { type AnyObject, type KubeApi, KubeApiError, until } from './kubeApi.ts';
export { kubeconfigYaml, type KubeconfigOptions } from './kubeconfig.ts';
export { type NodeCapacity } from './nodes.ts';
export { freePort, freePorts } from './ports.ts';
export { type Progress, progressToStderr, silent } from './progress.ts';
export { endSet, isSetRunning } from './supervisor/leftovers.ts';
export { type ChartPackage, packageChart } from './repositories/packageChart.ts';
export { ChartRepository } from './repositories/chartRepository.ts';
export { OciRegistry } from './repositories/ociRegistry.ts';
export { type BinaryName, newestKubectl, versions } from './versions.ts';
export { createBootstrapToken } from './system/bootstrapToken.ts';
export { startSystem, type ChildOptions, type Service, type System, type SystemOptions } from './system/startSystem.ts';
