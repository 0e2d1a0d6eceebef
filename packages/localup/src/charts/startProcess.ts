// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path';
import { type Cluster } from '../cluster.ts';
import { freePort } from '../ports.ts';
import { withFlags } from './expand.ts';
import { LocalProcess, nextNumber } from './localProcess.ts';
import { ServiceAccountFiles } from './serviceAccount.ts';

/** A process to run beside a cluster. */
export interface StartProcessOptions {
  cluster: Cluster;
  name: string;
  /** The JavaScript file to run. */
  entrypoint: string;
  args?: string[];
  env?: Record<string, string>;
  /** Whose rights it has: its kubeconfig is passed with `--kubeconfig`. Without it nothing is passed. */
  serviceAccount?: { namespace: string; name: string };
  /** Passes `--secure-port` and `--bind-address`, and has `waitReady` ask this path over HTTPS. */
  readinessPath?: string;
}

/** Starts a process with arguments of the caller's own, without waiting until it is ready. */
export async function startProcess(options: StartProcessOptions): Promise<LocalProcess> {
  const { cluster, serviceAccount, readinessPath } = options;
  const number = nextNumber(cluster, `process/${options.name}`);
  const name = number === 1 ? options.name : `${options.name}-${number}`;
  const folder = join(cluster.folder, 'services', 'processes', name);
  const port = await freePort();
  const credentials =
    serviceAccount && (await ServiceAccountFiles.create({ cluster, ...serviceAccount, folder: join(folder, 'serviceaccount') }));
  const flags: Record<string, string> = {
    ...(credentials && { '--kubeconfig': credentials.kubeconfigPath }),
    ...(readinessPath !== undefined && { '--bind-address': '127.0.0.1', '--secure-port': String(port) }),
  };
  return LocalProcess.start({
    cluster,
    name,
    port,
    folder,
    ...(readinessPath !== undefined && { readiness: { scheme: 'https', path: readinessPath } }),
    launch: async () => {
      await credentials?.renew();
      return {
        file: process.execPath,
        args: [options.entrypoint, ...withFlags(options.args ?? [], flags)],
        env: options.env ?? {},
      };
    },
  });
}
