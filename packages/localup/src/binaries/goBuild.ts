// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasCode, LocalupError } from '../errors.ts';
import { type Progress } from '../progress.ts';
import { type BinaryName, newestKubectl, registryVersion, versions } from '../versions.ts';

const goFolder = join(import.meta.dirname, '../../go');

/** A Go package, and the executables that come of it. */
interface Unit {
  /** Folder of the module that pins everything. */
  module: string;
  package: string;
  output: string;
  /** Names to link to the output, if it becomes what it is called as. */
  links: BinaryName[];
  provides: BinaryName[];
  /** Version of Kubernetes that it is of, if not that of the clusters. */
  kubernetes?: string;
}

const controlPlane: BinaryName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];

const units: Unit[] = [
  { module: goFolder, package: './controlplane', output: 'controlplane', links: controlPlane, provides: controlPlane },
  { module: goFolder, package: 'helm.sh/helm/v3/cmd/helm', output: 'helm', links: [], provides: ['helm'] },
  { module: join(goFolder, 'kwok'), package: 'sigs.k8s.io/kwok/cmd/kwok', output: 'kwok', links: [], provides: ['kwok'] },
  { module: join(goFolder, 'registry'), package: '.', output: 'registry', links: [], provides: ['registry'] },
  {
    module: join(goFolder, 'kubectl'),
    package: '.',
    output: newestKubectl,
    links: [],
    provides: [newestKubectl],
    kubernetes: newestKubectl.replace('kubectl-', ''),
  },
];

/** The values that release builds stamp into their binaries. */
function linkerFlags(kubernetes: string): string {
  const [major, minor] = kubernetes.split('.');
  const values: Record<string, string | undefined> = {
    'k8s.io/component-base/version.gitVersion': `v${kubernetes}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
    'k8s.io/component-base/version.gitTreeState': 'clean',
    'helm.sh/helm/v3/internal/version.version': `v${versions.helm}`,
    'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': major,
    'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': minor,
    'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': major,
    'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': minor,
    'sigs.k8s.io/kwok/pkg/consts.Version': `v${versions.kwok}`,
    'main.Version': `v${registryVersion}`,
  };
  return ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

/**
 * Builds the given binaries from pinned Go modules into `folder`; each appears there whole or not at all.
 * Takes minutes on a cold machine; says so, and shows life while it builds.
 * @throws LocalupError when there is no Go, or the build fails.
 */
export async function buildWithGo(names: BinaryName[], folder: string, progress: Progress): Promise<void> {
  const wanted = units.filter((unit) => unit.provides.some((name) => names.includes(name)));
  for (const module of new Set(wanted.map((unit) => unit.module))) {
    const together = wanted.filter((unit) => unit.module === module);
    const output = await mkdtemp(join(folder, '.build-'));
    try {
      await goBuild(together, output, progress);
      for (const unit of together) {
        await rename(join(output, unit.output), join(folder, unit.output));
        for (const link of unit.links) await linkTo(unit.output, join(folder, link), output);
      }
    } finally {
      await rm(output, { recursive: true, force: true });
    }
  }
}

async function linkTo(target: string, path: string, scratch: string): Promise<void> {
  const aside = join(scratch, 'link');
  await symlink(target, aside);
  await rename(aside, path);
}

async function goBuild(together: Unit[], output: string, progress: Progress): Promise<void> {
  const names = together.flatMap((unit) => unit.provides).join(', ');
  progress(`building ${names} from pinned Go modules (minutes on a cold machine)`);
  const startedAt = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  const child = spawn(
    'go',
    [
      'build',
      '-v',
      '-mod=readonly',
      '-buildvcs=false',
      '-trimpath',
      '-ldflags',
      linkerFlags(together[0]?.kubernetes ?? versions.kubernetes),
      '-o',
      // A package is called after its folder otherwise.
      together.length === 1 ? join(output, together[0]?.output ?? '') : `${output}/`,
      ...together.map((unit) => unit.package),
    ],
    {
      cwd: together[0]?.module,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let compiled = 0;
  let downloaded = 0;
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading ')) downloaded++;
    // `go build -v` names each package as it is compiled: a bare import path.
    else if (/^[\w./~-]+$/.test(line)) compiled++;
    else if (complaints.push(line) > 20) complaints.shift();
  });
  const heartbeat = setInterval(() => {
    progress(`still building after ${elapsed()}: ${downloaded} modules downloaded, ${compiled} packages compiled`);
  }, 15_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new LocalupError(`go build failed after ${elapsed()}:\n${complaints.join('\n')}`);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw new LocalupError('Go is not installed (no "go" on PATH)', { cause });
    throw cause;
  } finally {
    clearInterval(heartbeat);
  }
  progress(`built ${names} in ${elapsed()}`);
}
