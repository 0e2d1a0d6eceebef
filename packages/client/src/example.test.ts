// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@clusternet/pki';
import { json, refuse, TestServer } from './testing/testServer.ts';

const example = resolve(import.meta.dirname, '../../../docs/examples/client/main.ts');
const shadow = '/apis/shadow/v1alpha1/namespaces/greetings/configmaps';
const id = '1f2e3d4c-0000-4000-8000-000000000001';
const child = `/apis/proxies.clusternet.io/v1alpha1/sockets/${id}/proxy/direct`;

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-'));
  const authority = await CertificateAuthority.create();
  const { cert, key } = await authority.issue('parent');
  const greeting = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'greeting', namespace: 'greetings' },
    data: { text: 'servus' },
  };
  let wakeWatch: (() => void) | undefined;
  server = await TestServer.start(
    ({ method, url }, response) => {
      const path = url.split('?')[0];
      if (url.includes('watch=true')) {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        wakeWatch = () => response.write(`${JSON.stringify({ type: 'ADDED', object: greeting })}\n`);
      } else if (method === 'POST' && path === shadow) refuse(response, 409, 'AlreadyExists');
      else if (method === 'PUT' && path === `${shadow}/greeting`) {
        json(response, greeting);
        const wake = setInterval(() => {
          if (!wakeWatch) return;
          wakeWatch();
          clearInterval(wake);
        }, 5);
      } else if (path === shadow) json(response, { kind: 'ConfigMapList', metadata: { resourceVersion: '1' }, items: [] });
      else if (path === `${child}/api/v1/namespaces/greetings/configmaps/greeting`) json(response, greeting);
      else if (path?.endsWith('/managedclusters')) {
        json(response, { metadata: {}, items: [{ metadata: { name: 'eu-1', namespace: 'x' }, spec: { clusterId: id } }] });
      } else refuse(response, 404, 'NotFound');
    },
    { tls: { cert, key } },
  );
  const cluster = { server: server.url, 'certificate-authority-data': Buffer.from(authority.cert).toString('base64') };
  const config = {
    clusters: [{ name: 'a', cluster }],
    users: [{ name: 'a', user: { token: 't' } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  };
  await writeFile(join(folder, 'config'), JSON.stringify(config));
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

it('writes and watches a template and looks into a child', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@clusternet/source', example, 'servus', 'eu-1'], {
    env: { ...process.env, KUBECONFIG: join(folder, 'config') },
  });
  expect(stdout).toBe('template says: servus\neu-1 says: servus\n');
});
