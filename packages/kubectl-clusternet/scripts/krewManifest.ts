// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Options of {@link krewManifest}. */
export interface KrewOptions {
  version: string;
  /** Address of the archive. */
  uri: string;
  /** Checksum of the archive, hexadecimal. */
  sha256: string;
  homepage: string;
  /** Path of the program in the archive. */
  bin: string;
}

/** The manifest by which krew installs the plugin. Windows is left to npm: a program there has to be an .exe. */
export function krewManifest(o: KrewOptions): object {
  const platforms = ['linux', 'darwin'].flatMap((os) =>
    ['amd64', 'arm64'].map((arch) => ({
      selector: { matchLabels: { os, arch } },
      uri: o.uri,
      sha256: o.sha256,
      bin: o.bin,
    })),
  );
  return {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'clusternet' },
    spec: {
      version: `v${o.version}`,
      homepage: o.homepage,
      shortDescription: 'Deploy to many clusters, and visit them',
      description:
        "Works with kubectl's own commands on templates that Clusternet deploys to many clusters, and on\nthe clusters themselves through their parent: health, status of applications, joining, checks.\n",
      caveats: 'Needs Node.js 22.19 or newer on the PATH. kubectl completion needs the npm package kubectl-clusternet.\n',
      platforms,
    },
  };
}
