// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { type ApiServer, apiServerConfig, createApiServer, StatusError, writeJson } from '@clusternet/apiserver';
import { core, KubeClient } from '@clusternet/client';
import { type ClusterSet, freePort, startClusters } from '@clusternet/localup';
import { Health, Metrics, silentLogger } from '@clusternet/runtime';
import { eventually } from './testing/eventually.ts';

const execute = promisify(execFile);
const namespace = 'clusternet-system';
const group = 'kit.clusternet.io';
const apiService = `v1alpha1.${group}`;
const prefix = `/apis/${group}/v1alpha1`;

let clusters: ClusterSet;
let admin: KubeClient;
const replicas: { server: ApiServer; client: KubeClient; health: Health }[] = [];
let port: number;

beforeAll(async () => {
  clusters = await startClusters({ parent: true, children: 0 });
  admin = await KubeClient.fromKubeConfig({ path: clusters.parent.kubeconfigPath });
  await createObjects();
  port = await freePort();
  // Two replicas that start at once share one authority; callers come to the first alone.
  await Promise.all([startReplica(port), startReplica(0)]);
  await createService();
}, 1_200_000);

afterAll(async () => {
  for (const { server, client } of replicas) {
    await server.close();
    await client.close();
  }
  await admin?.close();
  await clusters?.close();
}, 120_000);

/** The rights that a service with an aggregated API needs, and no more. */
async function createObjects(): Promise<void> {
  const rbac = 'rbac.authorization.k8s.io';
  const binding = (
    kind: string,
    name: string,
    roleNamespace: string | undefined,
    subject: object,
    roleKind: string,
  ): KubeObject => ({
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { name: `kit-${name.replaceAll(':', '-')}`, ...(roleNamespace !== undefined && { namespace: roleNamespace }) },
    roleRef: { apiGroup: rbac, kind: roleKind, name },
    subjects: [subject],
  });
  const kit = { kind: 'ServiceAccount', name: 'kit', namespace };
  const visitor = { kind: 'ServiceAccount', name: 'visitor', namespace };
  const jane = { kind: 'User', name: 'jane', apiGroup: rbac };
  await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const name of ['kit', 'visitor']) {
    await admin
      .resource(core.serviceAccounts)
      .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  }
  await admin.resource(core.roles).create({
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name: 'kit', namespace },
    rules: [
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['kit-ca'], verbs: ['get', 'update'] },
    ],
  });
  await admin.resource(core.clusterRoles).create({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'kit' },
    rules: [
      {
        apiGroups: ['apiregistration.k8s.io'],
        resources: ['apiservices'],
        resourceNames: [apiService],
        verbs: ['get', 'patch'],
      },
    ],
  });
  await admin.resource(core.clusterRoles).create({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'visitor' },
    rules: [{ apiGroups: [group], resources: ['sockets', 'sockets/proxy'], verbs: ['get', 'list'] }],
  });
  const bindings = admin.resource(core.roleBindings);
  const clusterBindings = admin.resource(core.clusterRoleBindings);
  await bindings.create(binding('RoleBinding', 'kit', namespace, kit, 'Role'));
  await bindings.create(binding('RoleBinding', 'extension-apiserver-authentication-reader', 'kube-system', kit, 'Role'));
  await clusterBindings.create(binding('ClusterRoleBinding', 'kit', undefined, kit, 'ClusterRole'));
  await clusterBindings.create(binding('ClusterRoleBinding', 'system:auth-delegator', undefined, kit, 'ClusterRole'));
  const visitors = binding('ClusterRoleBinding', 'visitor', undefined, visitor, 'ClusterRole');
  await clusterBindings.create({ ...visitors, subjects: [visitor, jane] });
}

/** The Service and the APIService as a chart would have them: the CA is the server's own business. */
async function createService(): Promise<void> {
  await admin.resource(core.services).create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kit', namespace },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
  });
  await admin.resource(core.apiServices).create({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: apiService },
    spec: {
      group,
      version: 'v1alpha1',
      service: { name: 'kit', namespace, port },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 1000,
      versionPriority: 100,
    },
  });
}

async function tokenOf(name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await admin.request<{ status: { token: string } }>({ method: 'POST', path, body });
  return answer.status.token;
}

async function startReplica(securePort: number): Promise<void> {
  const { server: address, caPem } = clusters.parent;
  const client = KubeClient.fromOptions({ server: address, caPem, token: await tokenOf('kit') });
  const health = new Health();
  const server = createApiServer({
    config: {
      ...apiServerConfig.parse({}),
      securePort,
      bindAddress: '127.0.0.1',
      tlsCertFile: undefined,
      tlsPrivateKeyFile: undefined,
    },
    client,
    logger: silentLogger,
    metrics: new Metrics(),
    health,
    version: '0.1.0',
    serving: { namespace, service: 'kit', authoritySecret: 'kit-ca', apiServices: [apiService] },
  });
  server.handle(
    { group, version: 'v1alpha1' },
    {
      resources: [
        {
          name: 'sockets',
          singularName: 'socket',
          kind: 'Socket',
          namespaced: false,
          verbs: ['get', 'list'],
          shortNames: ['ss'],
          categories: ['clusternet'],
          subresources: [{ name: 'proxy', kind: 'Socket', verbs: ['get'], anyMethod: true }],
        },
      ],
      handler: (request, response) => {
        const { user, info, secretExtras, rawQuery, auditId } = request.kube;
        if (info.name === 'missing') throw new StatusError(409, 'this socket is taken');
        writeJson(response, { user, info, secretExtras, rawQuery, auditId, headers: request.headers });
      },
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.write(`${request.kube.user.name} `);
        socket.write(head);
        socket.pipe(socket);
      },
    },
  );
  replicas.push({ server, client, health });
  await server.listen(AbortSignal.timeout(60_000));
}

/** kubectl as the cluster's admin. */
async function kubectl(...args: string[]): Promise<string> {
  const { binaries, kubeconfigPath } = clusters.parent;
  // Discovery is cached on disk; each run is to see what is served now.
  const cache = `--cache-dir=${clusters.parent.folder}/kubectl-cache-${Date.now()}`;
  const { stdout } = await execute(binaries.kubectl, ['--kubeconfig', kubeconfigPath, cache, ...args]);
  return stdout;
}

interface Echo {
  user: { name: string; groups: string[]; extra: Record<string, string[]> };
  info: { rawSuffix: string; verb: string; name?: string };
  secretExtras: Record<string, string[]>;
  rawQuery: string;
  auditId: string;
  headers: Record<string, string>;
}

async function raw(path: string): Promise<Echo> {
  return JSON.parse(await kubectl('get', '--raw', path)) as Echo;
}

describe('an aggregated API with a CA of its own', () => {
  it('becomes available, verified', async () => {
    await eventually(async () => {
      const service = await admin.request<{
        spec: { caBundle?: string; insecureSkipTLSVerify?: boolean };
        status?: { conditions?: { type: string; status: string; message?: string }[] };
      }>({ method: 'GET', path: `/apis/apiregistration.k8s.io/v1/apiservices/${apiService}` });
      expect(service.spec.insecureSkipTLSVerify).toBeFalsy();
      expect(service.spec.caBundle).toMatch(/^LS0t/);
      expect(service.status?.conditions).toEqual([expect.objectContaining({ type: 'Available', status: 'True' })]);
      await raw(`${prefix}/sockets/a`);
    });
    for (const { health } of replicas) expect(health.ready().filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it('sees who asks, through kube-apiserver', async () => {
    const { user, headers, info } = await raw(`${prefix}/sockets/a`);
    expect(user.name).toBe('localup-admin');
    expect(user.groups).toContain('system:authenticated');
    expect(Object.keys(headers).filter((name) => name.startsWith('x-remote'))).toEqual([]);
    expect(info).toMatchObject({ verb: 'get', name: 'a' });
  });

  // kube-apiserver itself decodes an escaped slash on the way; what it leaves escaped stays so.
  it('sees the path as kube-apiserver wrote it below the subresource', async () => {
    const { info, rawQuery } = await raw(`${prefix}/sockets/a/proxy/direct/api/v1/x%20y/?b=%2F&limit=1`);
    expect(info.rawSuffix).toBe('/direct/api/v1/x%20y/');
    expect(rawQuery).toBe('b=%2F&limit=1');
  });

  it('gets the extras of an impersonated user, apart from the rest', async () => {
    const { body } = await admin.text({
      method: 'GET',
      path: `${prefix}/sockets/a`,
      headers: {
        'Impersonate-User': 'jane',
        'Impersonate-Group': 'dev',
        'Impersonate-Extra-Clusternet-Token': 'child-token',
        'Impersonate-Extra-Acme.com%2Fproject': 'x',
      },
    });
    const { user, secretExtras } = JSON.parse(body) as Echo;
    expect(user).toMatchObject({ name: 'jane', extra: { 'acme.com/project': ['x'] } });
    expect(user.groups).toContain('dev');
    expect(secretExtras).toEqual({ 'clusternet-token': ['child-token'] });
    expect(Object.keys(user.extra)).not.toContain('clusternet-token');
  });

  it('is listed and explained by kubectl', async () => {
    await eventually(async () => {
      expect(await kubectl('api-resources', '--api-group', group)).toMatch(
        /^sockets +ss +kit\.clusternet\.io\/v1alpha1 +false +Socket$/m,
      );
    });
    expect(await kubectl('api-resources', '--categories', 'clusternet')).toContain('Socket');
    expect(await kubectl('get', '--raw', '/apis')).toContain(group);
    await eventually(async () => {
      expect(await kubectl('explain', `sockets.${group}`)).toMatch(/KIND: +Socket/);
    });
  });

  it('answers errors that kubectl understands', async () => {
    const failure = kubectl('get', '--raw', `${prefix}/sockets/missing`);
    await expect(failure).rejects.toThrow(/Error from server \(Conflict\): this socket is taken/);
    await expect(kubectl('get', '--raw', `${prefix}/nothing`)).rejects.toThrow(/\(NotFound\)/);
    const forbidden = kubectl('--as', 'joe', 'get', '--raw', `${prefix}/sockets/a`);
    await expect(forbidden).rejects.toThrow(/\(Forbidden\).*joe/);
  });

  it('upgrades connections through kube-apiserver', async () => {
    const { server, caPem } = clusters.parent;
    const headers = { Authorization: `Bearer ${await tokenOf('visitor')}`, Connection: 'Upgrade', Upgrade: 'echo' };
    const request = httpsRequest(`${server}${prefix}/sockets/a/proxy/direct/x`, { ca: caPem, headers, agent: false });
    request.end();
    const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Duplex];
    expect(response.statusCode).toBe(101);
    socket.write('hello');
    let text = '';
    while (!text.endsWith('hello')) text += String((await once(socket, 'data'))[0]);
    expect(text).toBe(`system:serviceaccount:${namespace}:visitor hello`);
    socket.destroy();
  });
});

describe('the same server, asked directly', () => {
  const direct = async (path: string, headers: Record<string, string> = {}) => {
    const secret = await admin
      .resource<KubeObject & { data: Record<string, string> }>(core.secrets)
      .get({ namespace, name: 'kit-ca' });
    const caPem = Buffer.from(secret.data['ca.crt'] ?? '', 'base64').toString('utf8');
    const client = KubeClient.fromOptions({ server: `https://localhost:${port}`, caPem, tlsServerName: `kit.${namespace}.svc` });
    try {
      return await client.text({ method: 'GET', path, headers });
    } finally {
      await client.close();
    }
  };

  it('believes bearer tokens that the API server knows, and asks it what they may do', async () => {
    const headers = { Authorization: `Bearer ${await tokenOf('visitor')}` };
    const answer = await direct(`${prefix}/sockets/a`, headers);
    expect((JSON.parse(answer.body) as Echo).user.name).toBe(`system:serviceaccount:${namespace}:visitor`);
    expect((await direct('/metrics', headers)).status).toBe(403);
    expect((await direct(prefix, headers)).status).toBe(200);
    expect((await direct(`${prefix}/sockets/a`, { Authorization: 'Bearer nonsense' })).status).toBe(401);
  });

  it('believes no header about users from anybody but kube-apiserver, and lets strangers nowhere', async () => {
    expect(
      (await direct(`${prefix}/sockets/a`, { 'X-Remote-User': 'localup-admin', 'X-Remote-Group': 'system:masters' })).status,
    ).toBe(401);
    expect((await direct(`${prefix}/sockets/a`)).status).toBe(403);
    expect((await direct('/readyz')).status).toBe(200);
  });
});
