// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * What the local clusters are made of. A new Kubernetes minor means: change it here, put the same versions into
 * `go/go.mod` (staging modules are `v0.MINOR.PATCH`), and run `go mod tidy` there.
 */
export const versions = {
  kubernetes: '1.35.4',
  etcd: '3.6.5',
  helm: '3.20.2',
  kwok: '0.7.0',
} as const;

/** Version of the OCI registry, which only tests of charts need; pinned in `go/registry/go.mod` too. */
export const registryVersion = '3.0.0';

/** The programs that localup runs, by the name of their executable. */
export const binaryNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
  'helm',
] as const;

/** One of {@link binaryNames}. */
export type ClusterBinaryName = (typeof binaryNames)[number];

/**
 * A kubectl newer than the clusters, which tests of what clients see use beside the clusters' own; its version is in `go/kubectl/go.mod` too. No
 * part of {@link versions}: whatever stands there, a change of it makes all programs be had anew.
 */
export const newestKubectl = 'kubectl-1.37.2';

/** A program that localup can get: those of clusters, and what is made only when it is asked for. */
export type BinaryName = ClusterBinaryName | 'registry' | typeof newestKubectl;
