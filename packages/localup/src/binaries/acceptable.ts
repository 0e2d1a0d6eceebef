// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type BinaryName, newestKubectl, versions } from '../versions.ts';

/** The arguments that make a binary tell its version. */
export const versionArguments: Record<BinaryName, string[]> = {
  etcd: ['--version'],
  'kube-apiserver': ['--version'],
  'kube-controller-manager': ['--version'],
  'kube-scheduler': ['--version'],
  kubectl: ['version', '--client'],
  [newestKubectl]: ['version', '--client'],
  kwok: ['--version'],
  helm: ['version', '--short'],
  registry: ['--version'],
};

/** The first `MAJOR.MINOR.PATCH` in what a program printed. */
export function parseVersion(output: string): [number, number, number] | undefined {
  const match = /\bv?(\d+)\.(\d+)\.(\d+)/.exec(output);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/**
 * Why a binary that was found by chance (on PATH) will not do, or `undefined` if it will.
 * The control plane's parts must be of the pinned Kubernetes minor; clients and helpers only need to be recent.
 */
export function refusal(name: BinaryName, output: string): string | undefined {
  const found = parseVersion(output);
  if (!found) return 'tells no version';
  const [major, minor] = found;
  const text = `is version ${found.join('.')}`;
  const atLeast = (wantMajor: number, wantMinor: number): string | undefined =>
    major > wantMajor || (major === wantMajor && minor >= wantMinor)
      ? undefined
      : `${text}, at least ${wantMajor}.${wantMinor} is needed`;
  switch (name) {
    case 'kube-apiserver':
    case 'kube-controller-manager':
    case 'kube-scheduler': {
      const [wantMajor, wantMinor] = versions.kubernetes.split('.').map(Number);
      return major === wantMajor && minor === wantMinor ? undefined : `${text}, ${wantMajor}.${wantMinor} is needed`;
    }
    case 'etcd':
      return atLeast(3, 5);
    case 'kubectl':
    case newestKubectl:
      return atLeast(1, 28);
    case 'kwok':
      return atLeast(0, 6);
    case 'helm':
      return atLeast(3, 14);
    case 'registry':
      // Those of others are called otherwise.
      return output.startsWith('registry ') ? atLeast(3, 0) : 'is another program of that name';
  }
}
