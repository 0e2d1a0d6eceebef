// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { glob, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Cluster } from '@clusternet/localup';
import { type CertificateAuthority } from '@clusternet/pki';
import { parse, stringify } from 'yaml';
import { eventually } from './eventually.ts';

/** Gives this CA bundle to the services that run in the cluster, and to whoever uses its kubeconfig; how many services there are. */
export async function giveCa({ folder, kubeconfigPath }: Cluster, bundle: string): Promise<number> {
  const services: string[] = [];
  for await (const path of glob('services/**/serviceaccount/kubeconfig', { cwd: folder })) services.push(join(folder, path));
  for (const path of [kubeconfigPath, ...services]) {
    const config = parse(await readFile(path, 'utf8')) as { clusters: [{ cluster: Record<string, unknown> }] };
    config.clusters[0].cluster['certificate-authority-data'] = Buffer.from(bundle).toString('base64');
    await replace(path, stringify(config));
  }
  return services.length;
}

/** Gives the API server a certificate of this authority; resolves once it is the one that it shows. */
export async function certify({ folder, server }: Cluster, authority: CertificateAuthority): Promise<void> {
  const pair = await authority.issue({ names: ['kube-apiserver'], hosts: ['127.0.0.1', 'localhost'] });
  // The API server looks at its files itself.
  await replace(join(folder, 'apiserver.key'), pair.key);
  await replace(join(folder, 'apiserver.crt'), pair.cert);
  const { hostname: host, port } = new URL(server);
  await eventually(async () => {
    const socket = connect({ host, port: Number(port), ca: authority.cert });
    try {
      await once(socket, 'secureConnect');
    } finally {
      socket.destroy();
    }
  });
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
