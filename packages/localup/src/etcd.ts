// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { CertificateAuthority } from '@clusternet/pki';
import { type EtcdLayout, etcdArguments } from './components.ts';
import { until } from './kubeApi.ts';
import { freePorts } from './ports.ts';
import { ended, startOnFreePorts } from './startOnFreePorts.ts';
import { type SupervisedProcess, type Supervisor } from './supervisor/supervisor.ts';

/** Starts the one etcd of a set; only holders of its client certificate get in. */
export async function startEtcd(options: {
  supervisor: Supervisor;
  binary: string;
  folder: string;
  logPath: string;
}): Promise<{ layout: EtcdLayout; process: SupervisedProcess }> {
  const { supervisor, binary, folder, logPath } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = await CertificateAuthority.create('etcd-ca');
  const server = await ca.issue({ names: ['etcd'], hosts: ['127.0.0.1', 'localhost'] });
  const client = await ca.issue({ names: ['kube-apiserver'] });
  const files = { 'ca.crt': ca.cert, 'server.crt': server.cert, 'client.crt': client.cert };
  const keys = { 'server.key': server.key, 'client.key': client.key };
  for (const [name, text] of Object.entries({ ...files, ...keys })) await writeFile(join(folder, name), text, { mode: 0o600 });
  const agent = new Agent({ connect: { ca: ca.cert, cert: client.cert, key: client.key, timeout: 10_000 } });
  let layout: EtcdLayout = { folder, clientPort: 0, peerPort: 0 };
  try {
    const process = await startOnFreePorts({
      logPath,
      start: async () => {
        const [clientPort = 0, peerPort = 0] = await freePorts(2);
        layout = { folder, clientPort, peerPort };
        return supervisor.run({ name: 'etcd', file: binary, args: etcdArguments(layout), env: {}, logPath });
      },
      ready: async (started) => {
        await until({
          what: 'etcd',
          timeoutMs: 120_000,
          intervalMs: 50,
          hopeless: () => ended(started),
          question: async () => {
            const answer = await request(`https://127.0.0.1:${layout.clientPort}/health`, { dispatcher: agent });
            const text = await answer.body.text();
            if (!text.includes('"true"')) throw new Error(`it answers ${answer.statusCode} ${text}`);
            return true;
          },
        });
      },
    });
    return { layout, process };
  } finally {
    await agent.destroy();
  }
}
