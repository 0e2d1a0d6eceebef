// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A kubeconfig for one run of a program; nobody but the user can read it. */
export interface TemporaryKubeconfig extends Disposable {
  readonly path: string;
  /** Folder of its own, removed with it. */
  readonly folder: string;
}

/** Writes a kubeconfig that is removed when disposed of, or at the latest when the process exits. */
export function writeTemporaryKubeconfig(o: { server: string; namespace: string; name?: string }): TemporaryKubeconfig {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-clusternet-'));
  const path = join(folder, 'config');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  // JSON is YAML too.
  writeFileSync(path, JSON.stringify(kubeconfigOf({ ...o, name: o.name ?? 'clusternet' })), { mode: 0o600, flag: 'wx' });
  const dispose = (): void => {
    process.off('exit', remove);
    remove();
  };
  return { path, folder, [Symbol.dispose]: dispose };
}

/** A kubeconfig of one cluster. */
export function kubeconfigOf(o: { name: string; server: string; namespace: string; cluster?: object; user?: object }): object {
  const { name, server, namespace } = o;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...o.cluster } }],
    users: [{ name, user: o.user ?? {} }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  };
}
