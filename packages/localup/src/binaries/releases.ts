// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type BinaryName, newestKubectl, versions } from '../versions.ts';

/** Where the project of a binary publishes it. */
export interface Release {
  url: string;
  /** A text that holds the SHA-256 of what lies at `url`: alone, or as lines `HASH  FILE`. */
  checksumUrl: string;
  /** If what lies at `url` is a .tar.gz: the binary's path in it. */
  member?: string;
}

/** Where releases come from; tests name a server of their own. */
export interface ReleaseHosts {
  kubernetes: string;
  github: string;
  helm: string;
}

/** The official hosts. */
export const officialHosts: ReleaseHosts = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  helm: 'https://get.helm.sh',
};

/** The release of a binary for a platform in Go's words (`linux`, `arm64`), or `undefined` where none is published. */
export function releaseOf(name: BinaryName, platform: { os: string; arch: string }, hosts = officialHosts): Release | undefined {
  const { os, arch } = platform;
  switch (name) {
    case 'registry':
      return undefined;
    case 'kubectl':
      return kubernetes(name);
    case newestKubectl:
      return kubernetes('kubectl', newestKubectl.replace('kubectl-', ''));
    case 'kube-apiserver':
    case 'kube-controller-manager':
    case 'kube-scheduler':
      return os === 'linux' ? kubernetes(name) : undefined;
    case 'etcd': {
      if (os !== 'linux') return undefined;
      const base = `${hosts.github}/etcd-io/etcd/releases/download/v${versions.etcd}`;
      const stem = `etcd-v${versions.etcd}-${os}-${arch}`;
      return { url: `${base}/${stem}.tar.gz`, checksumUrl: `${base}/SHA256SUMS`, member: `${stem}/etcd` };
    }
    case 'kwok': {
      const base = `${hosts.github}/kubernetes-sigs/kwok/releases/download/v${versions.kwok}/kwok-${os}-${arch}`;
      return { url: base, checksumUrl: `${base}.sha256` };
    }
    case 'helm': {
      const url = `${hosts.helm}/helm-v${versions.helm}-${os}-${arch}.tar.gz`;
      return { url, checksumUrl: `${url}.sha256sum`, member: `${os}-${arch}/helm` };
    }
  }

  function kubernetes(file: string, version: string = versions.kubernetes): Release {
    const url = `${hosts.kubernetes}/v${version}/bin/${os}/${arch}/${file}`;
    return { url, checksumUrl: `${url}.sha256` };
  }
}

/** This machine in Go's words. */
export function currentPlatform(): { os: string; arch: string } {
  return {
    os: process.platform === 'win32' ? 'windows' : process.platform,
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
  };
}
