// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ManagedCluster, resources } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { freePort, type System, type Workload } from '@clusternet/localup';
import { stringify } from 'yaml';
import { makeClusterAdmin } from './testing/clusterAdmin.ts';
import { crash } from './testing/crash.ts';
import { eventually } from './testing/eventually.ts';
import { configMap, deployment, namespace, Publisher } from './testing/feeds.ts';
import { fate, type RunningKubectl } from './testing/kubectl.ts';
import { VisitedChild } from './testing/visitedChild.ts';

const run = promisify(execFile);
let visited: VisitedChild;
let system: System;
let parent: KubeClient;
let child: KubeClient;
let folder: string;
let webServer: Server;

beforeAll(async () => {
  webServer = createServer((request, response) => response.end(`you asked for ${request.url}`));
  webServer.listen(0, '127.0.0.1');
  await once(webServer, 'listening');
  const { port } = webServer.address() as AddressInfo;
  visited = await VisitedChild.start({
    hubs: 2,
    // Nothing is there: what arrives has come through the tunnel.
    advertiseURL: `https://127.0.0.1:${await freePort()}`,
    kubelet: (files) => {
      const logsFile = join(files, 'pod.log');
      return {
        ClusterLogs: { logs: [{ logsFile, follow: true }] },
        ClusterAttach: { attaches: [{ logsFile }] },
        ClusterPortForward: { forwards: [{ target: { address: '127.0.0.1', port } }] },
      };
    },
  });
  ({ system, parent, child, folder } = visited);
  await writeFile(join(folder, 'pod.log'), '2026-01-01T00:00:00.000000000Z stdout F first line\n');
  await writeKubeconfigs();
  await eventually(async () => expect(await kubectl('anna', 'version')).toContain('Server Version'));
  await makeClusterAdmin(child, 'Group', 'team-a');
}, 1_200_000);

afterAll(async () => {
  await visited?.close();
  webServer?.close();
}, 120_000);

async function managedCluster(): Promise<ManagedCluster> {
  const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
  const [cluster] = items;
  if (!cluster) throw new Error('there is no ManagedCluster');
  return cluster;
}

/**
 * Kubeconfigs of the child through the parent: `anna` and `bert` as themselves, for the parent to vouch for; `token` with a token of the child,
 * as existing clients have it.
 */
async function writeKubeconfigs(): Promise<void> {
  const extra = { 'clusternet-token': [await tokenOf(child, 'admin')] };
  const identities = {
    anna: { as: 'anna', 'as-groups': ['team-a'] },
    bert: { as: 'bert', 'as-groups': ['team-b'] },
    token: { as: 'clusternet', 'as-user-extra': extra },
  };
  for (const [name, identity] of Object.entries(identities)) await visited.writeKubeconfig(name, identity);
}

type Visitor = 'anna' | 'bert' | 'token';

async function kubectl(as: Visitor, ...args: string[]): Promise<string> {
  return visited.program.run(as, ...args);
}

async function refusal(as: Visitor, ...args: string[]): Promise<string> {
  return visited.program.refusal(as, ...args);
}

function background(as: Visitor, args: string[], env?: NodeJS.ProcessEnv): RunningKubectl {
  return visited.program.background(as, args, env);
}

describe('deploying', () => {
  it('goes through the tunnel, and the cluster says that it is up', async () => {
    await visited.pod();
    await eventually(async () => {
      const { status } = await managedCluster();
      expect(status?.useSocket).toBe(true);
      expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Connected', status: 'True' }));
    });
  });
});

/** Begun before the tests of verbs, which together take about as long as API servers grant short requests. */
let early: { since: number; watch: RunningKubectl; logs: RunningKubectl };

beforeAll(async () => {
  const publisher = new Publisher(parent);
  await publisher.subscribe(
    'shop',
    await publisher.feed(namespace('shop'), configMap('shop', 'settings', { a: 'b' }), deployment('shop', 'web', 1)),
  );
  const name = await visited.pod();
  early = {
    since: Date.now(),
    watch: background('anna', ['get', 'configmaps', '-n', 'shop', '--watch', '-o', 'name']),
    logs: background('token', ['logs', '-n', 'shop', '-f', name]),
  };
}, 300_000);

describe.each<Visitor>(['anna', 'token'])('a visitor (%s)', (as) => {
  it('gets, applies, patches and deletes', async () => {
    const manifest = join(folder, `${as}.yaml`);
    await writeFile(
      manifest,
      stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `of-${as}`, namespace: 'default' }, data: { a: '1' } }),
    );
    expect(await kubectl(as, 'apply', '-f', manifest)).toContain('created');
    expect(await kubectl(as, 'apply', '--server-side', '--force-conflicts', '-f', manifest)).toContain('serverside-applied');
    expect(await kubectl(as, 'patch', 'configmap', `of-${as}`, '-p', '{"data":{"a":"2"}}')).toContain('patched');
    expect(await kubectl(as, 'get', 'configmap', `of-${as}`, '-o', 'jsonpath={.data.a}')).toBe('2');
    expect(await kubectl(as, 'delete', 'configmap', `of-${as}`)).toContain('deleted');
    expect(await kubectl(as, 'get', 'nodes')).toContain('child-node-1');
    expect(await kubectl(as, 'api-resources')).toContain('deployments');
  });

  it('asks for raw paths', async () => {
    // kubectl puts these in the place of the whole path of the server.
    const nodes = await kubectl(as, 'get', '--raw', visited.direct('/api/v1/nodes?limit=1'));
    expect(nodes).toContain('"child-node-1"');
    expect(await kubectl(as, 'get', '--raw', visited.direct('/api/v1/namespaces/shop/configmaps?limit=1'))).toContain(
      'ConfigMapList',
    );
  });

  it('watches', async () => {
    const watch = background(as, ['get', 'configmaps', '-n', 'shop', '--watch', '-o', 'name']);
    await eventually(async () => expect(watch.text()).toContain('configmap/settings'));
    const name = `seen-by-${as}`;
    await child
      .resource(core.configMaps)
      .apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' } }, { fieldManager: 'test' });
    await eventually(async () => expect(watch.text()).toContain(`configmap/${name}`));
    watch.process.kill();
  });

  it('reads logs, follows them and attaches', async () => {
    const name = await visited.pod();
    expect(await kubectl(as, 'logs', '-n', 'shop', name)).toContain('first line');
    const follow = background(as, ['logs', '-n', 'shop', '-f', name]);
    await eventually(async () => expect(follow.text()).toContain('first line'));
    await writeFile(join(folder, 'pod.log'), `2026-01-01T00:00:01.000000000Z stdout F also for ${as}\n`, { flag: 'a' });
    await eventually(async () => expect(follow.text()).toContain(`also for ${as}`));
    follow.process.kill();
    const attached = background(as, ['attach', '-n', 'shop', name]);
    // What was written before is not shown again.
    await eventually(async () => {
      await writeFile(join(folder, 'pod.log'), `2026-01-01T00:00:02.000000000Z stdout F and then ${as}\n`, { flag: 'a' });
      expect(attached.text()).toContain(`and then ${as}`);
    });
    attached.process.kill();
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('runs commands over %s, with input, output and errors', async (_protocol, KUBECTL_REMOTE_COMMAND_WEBSOCKETS) => {
    const name = await visited.pod();
    // kwok does not pass the end of the input on, so the command ends by itself.
    const command = 'read line; echo "got $line"; echo "to stderr" >&2';
    const shell = background(as, ['exec', '-i', '-n', 'shop', name, '--', 'sh', '-c', command], {
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS,
    });
    shell.process.stdin?.write('some input\n');
    const [code] = (await once(shell.process, 'exit')) as [number];
    expect(shell.text()).toContain('got some input');
    expect(shell.text()).toContain('to stderr');
    expect(code).toBe(0);
    // How kwok reports an exit code.
    expect(await refusal(as, 'exec', '-n', 'shop', name, '--', 'sh', '-c', 'exit 7')).toContain('exit status 7');
  });

  it('copies files', async () => {
    const name = await visited.pod();
    const text = 'x'.repeat(300_000);
    const upload = background(as, ['exec', '-i', '-n', 'shop', name, '--', 'sh', '-c', `head -c ${text.length} > ${as}-to`]);
    upload.process.stdin?.write(text);
    await once(upload.process, 'exit');
    expect(await readFile(join(folder, `${as}-to`), 'utf8')).toBe(text);
    const back = join(folder, `${as}-back`);
    await kubectl(as, 'cp', '-n', 'shop', `${name}:${as}-to`, back);
    expect(await readFile(back, 'utf8')).toBe(text);
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('forwards ports over %s', async (_protocol, KUBECTL_PORT_FORWARD_WEBSOCKETS) => {
    const port = await freePort();
    const forward = background(as, ['port-forward', '-n', 'shop', await visited.pod(), `${port}:80`], {
      KUBECTL_PORT_FORWARD_WEBSOCKETS,
    });
    await eventually(async () => expect(forward.text()).toContain('Forwarding from'));
    const answers = await Promise.all(
      ['/a', '/b', '/c'].map((path) => fetch(`http://127.0.0.1:${port}${path}`).then((answer) => answer.text())),
    );
    expect(answers).toEqual(['you asked for /a', 'you asked for /b', 'you asked for /c']);
    forward.process.kill();
  });
});

describe('as oneself', () => {
  it('the RBAC of the child decides', async () => {
    expect(await kubectl('anna', 'auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}')).toBe(
      'anna ["team-a","system:authenticated"]',
    );
    expect(await refusal('bert', 'get', 'pods')).toContain('User "bert" cannot list resource "pods"');
  });

  it('the admin of the parent is not the admin of the child', async () => {
    const answer = await parent.text({ method: 'GET', path: visited.direct('/api/v1/secrets') });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('localup-admin');
  });

  it('nobody comes in without an identity', async () => {
    const anonymous = KubeClient.fromOptions({ server: system.parent.server, caPem: system.parent.caPem });
    const { status } = await anonymous.text({ method: 'GET', path: visited.direct('/version') });
    expect(status).toBe(403);
    await anonymous.close();
  });
});

describe('who is connected', () => {
  it('can be read', async () => {
    expect((await visited.sockets()).map(({ metadata }) => metadata.name)).toEqual([visited.clusterId]);
  });
});

describe('two hubs', () => {
  it('both serve the cluster, whichever holds its tunnel', async () => {
    const [hubToken, token] = [await tokenOf(parent, 'asker'), await tokenOf(child, 'visitor')];
    for (const name of ['clusternet-hub', 'clusternet-hub-2']) {
      const hub = KubeClient.fromOptions({
        server: `https://127.0.0.1:${visited.service(name).port}`,
        caPem: await hubAuthority(),
        token: hubToken,
      });
      const headers = { 'Clusternet-Authorization': `Bearer ${token}` };
      const { status, body } = await hub.text({ method: 'GET', path: visited.direct('/version'), headers });
      expect(body).toContain('gitVersion');
      expect(status).toBe(200);
      await hub.close();
    }
  });
});

describe('attacks', () => {
  it.each<[string, Record<string, string>]>([
    ['x-remote-user', { 'X-Remote-User': 'anna', 'X-Remote-Group': 'team-a' }],
    ['impersonate-user', { 'Impersonate-User': 'anna' }],
  ])('%s straight to the hub is refused', async (what, headers) => {
    const hub = KubeClient.fromOptions({
      server: `https://127.0.0.1:${visited.service('clusternet-hub').port}`,
      caPem: await hubAuthority(),
      token: await tokenOf(parent, `attacker-by-${what}`),
    });
    const { status } = await hub.text({ method: 'GET', path: visited.direct('/api/v1/secrets'), headers });
    expect([400, 401]).toContain(status);
    await hub.close();
  });

  it.each<[string, Record<string, string>]>([
    ['names its own groups', { 'X-Remote-Group': 'team-a', 'Impersonate-Extra-Scopes': 'x' }],
    ['smuggles by Connection', { Connection: 'close, X-Remote-User, X-Remote-Group' }],
    ['names groups in extras', { 'X-Remote-Extra-Clusternet-Impersonate-Group': 'system:masters' }],
    ['spells headers with underscores', { Impersonate_User: 'anna', X_Remote_User: 'anna' }],
  ])('one who %s stays who one is', async (_what, headers) => {
    const bert = await run(system.clusters.binaries.kubectl, [
      'config',
      'view',
      '--raw',
      '-o',
      'json',
      '--kubeconfig',
      join(folder, 'bert.kubeconfig'),
    ]);
    const { users } = JSON.parse(bert.stdout) as { users: [{ user: Record<string, string> }] };
    const decode = (key: string): string => Buffer.from(users[0].user[key] ?? '', 'base64').toString();
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = httpsRequest(
        system.parent.server + visited.direct('/api/v1/secrets'),
        {
          ca: system.parent.caPem,
          cert: decode('client-certificate-data'),
          key: decode('client-key-data'),
          agent: false,
          headers: { 'Impersonate-User': 'bert', 'Impersonate-Group': 'team-b', ...headers },
        },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on('error', reject).end();
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).not.toContain('SecretList');
  });

  it('targets that the agent was not told to allow are refused by it', async () => {
    for (const target of [
      'http/169.254.169.254/latest',
      'https/127.0.0.1:6443/',
      'http/2130706433/',
      'http/localhost/',
      'http/[::ffff:127.0.0.1]/',
    ]) {
      const path = `/apis/proxies.clusternet.io/v1alpha1/sockets/${visited.clusterId}/proxy/${target}`;
      const { status } = await parent.text({ method: 'GET', path });
      expect([400, 403]).toContain(status);
    }
  });
});

/** A token of a ServiceAccount that may do everything. */
async function tokenOf(cluster: KubeClient, name: string): Promise<string> {
  const metadata = { name, namespace: 'default' };
  await cluster.request({
    method: 'POST',
    path: '/api/v1/namespaces/default/serviceaccounts',
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
  });
  await cluster.request({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `admin-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  });
  const { status } = await cluster.request<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  return status.token;
}

async function hubAuthority(): Promise<string> {
  const { spec } = await parent.request<{ spec: { caBundle: string } }>({
    method: 'GET',
    path: '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.proxies.clusternet.io',
  });
  return Buffer.from(spec.caBundle, 'base64').toString();
}

describe('what lasts', () => {
  it('is not cut after a minute', async () => {
    await delay(Math.max(0, early.since + 63_000 - Date.now()));
    const name = 'seen-late';
    await child
      .resource(core.configMaps)
      .apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' } }, { fieldManager: 'test' });
    await writeFile(join(folder, 'pod.log'), '2026-01-01T00:01:03.000000000Z stdout F a late line\n', { flag: 'a' });
    await eventually(async () => {
      expect(early.watch.text()).toContain(`configmap/${name}`);
      expect(early.logs.text()).toContain('a late line');
    });
    early.watch.process.kill();
    early.logs.process.kill();
  });

  it('takes no seats of the API server of the parent', async () => {
    const { body } = await parent.text({ method: 'GET', path: '/metrics' });
    const seats = [...body.matchAll(/^apiserver_flowcontrol_current_executing_seats\{flow_schema="([^"]+)".*\} (\d+)$/gm)];
    expect(seats.length).toBeGreaterThan(0);
    // The one is of this very request.
    const taken = seats.filter(([, schema]) => schema !== 'exempt').map(([, schema, count]) => `${schema} ${count}`);
    expect(taken.filter((line) => /^(service-accounts|global-default) [^0]/.test(line))).toEqual([]);
  });
});

describe('faults', () => {
  async function back(): Promise<void> {
    await eventually(async () => expect(await kubectl('anna', 'get', 'namespaces')).toContain('shop'));
  }

  async function killed(name: string): Promise<Workload> {
    // Of two hubs one goes on, and the Lease may be its own.
    if (name === 'clusternet-agent/child') return crash(system, name);
    const hub = visited.service(name);
    await hub.kill();
    return hub;
  }

  it.each([
    { name: 'clusternet-agent/child', fates: ['ended'] },
    // Between what passes through the other hub alone nothing has changed.
    { name: 'clusternet-hub', fates: ['ended', 'goes on'] },
    { name: 'clusternet-hub-2', fates: ['ended', 'goes on'] },
  ])('$name is killed in the middle of an exec and a watch: none hangs, and all is well again', async ({ name, fates }) => {
    const { exec, watch } = await visited.execAndWatch('anna');
    const victim = await killed(name);
    await victim.restart();
    exec.process.stdin?.write('still there\n');
    const late = `after-${name.replace('/', '-')}`;
    await child
      .resource(core.configMaps)
      .apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: late, namespace: 'shop' } }, { fieldManager: 'test' });
    expect(fates).toContain(await fate(exec, 'still there'));
    expect(fates).toContain(await fate(watch, late));
    exec.process.kill();
    watch.process.kill();
    await victim.waitReady();
    await back();
  });

  it('a list of 50 MB is whole, or is seen to be cut when its agent is killed', async () => {
    await visited.fill();
    const list = async (): Promise<string> =>
      kubectl('anna', 'get', '--raw', visited.direct('/api/v1/namespaces/default/configmaps'));
    expect((await list()).length).toBeGreaterThan(50_000_000);
    const outcome = list().then(
      (text) => (JSON.parse(text) as { items: unknown[] }).items.length,
      () => 'failed',
    );
    await delay(250);
    const agent = await killed('clusternet-agent/child');
    await agent.restart();
    expect(['failed', visited.many]).toContain(await outcome);
    await agent.waitReady();
    await back();
    await visited.empty();
  });

  it('nothing is left of what has ended', async () => {
    // Kept connections are few; those of another replica are not counted.
    await eventually(async () => expect(await visited.streams()).toBeLessThan(10));
  });
});
