// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject, type ManagedCluster, resources } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Cluster, type System, type Workload } from '@clusternet/localup';
import { CertificateAuthority } from '@clusternet/pki';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { makeClusterAdmin } from './testing/clusterAdmin.ts';
import { CuttableProxy } from './testing/cuttableProxy.ts';
import { eventually } from './testing/eventually.ts';
import { configMap, deployment, namespace, Publisher } from './testing/feeds.ts';
import { fate } from './testing/kubectl.ts';
import { shortLease } from './testing/quickElection.ts';
import { certify, giveCa } from './testing/rotation.ts';
import { VisitedChild } from './testing/visitedChild.ts';

/** How often the way is cut in a row; a run of hundreds is for people. */
const cycles = Number(process.env['E2E_CYCLES'] ?? 8);
let visited: VisitedChild;
let system: System;
let parent: KubeClient;
let child: KubeClient;
/** Between the agents and the API server of the parent. */
let way: CuttableProxy;
let metricsServer: Server;
let impatient: Agent;

beforeAll(async () => {
  visited = await VisitedChild.start({
    agents: 2,
    agentFlags: { ...shortLease, 'tunnel-reconnect-max-interval': '2s' },
    wayToParent: async (server) => {
      way = await CuttableProxy.start(server);
      return `https://127.0.0.1:${way.port}`;
    },
  });
  ({ system, parent, child } = visited);
  // anna, whom the parent vouches for.
  await visited.writeKubeconfig('anna', { as: 'anna', 'as-groups': ['team'] });
  impatient = impatientAdmin();
  await makeClusterAdmin(child, 'User', 'anna');
  const publisher = new Publisher(parent);
  await publisher.subscribe('shop', await publisher.feed(namespace('shop'), deployment('shop', 'web', 1), ...settings('before')));
  await back();
  await arrived('before');
}, 1_200_000);

afterAll(async () => {
  await impatient?.destroy();
  await visited?.close();
  await way?.close();
  metricsServer?.close();
}, 120_000);

/** The admin of the parent, who takes the first answer. */
function impatientAdmin(): Agent {
  interface Config {
    users: [{ user: Record<'client-certificate-data' | 'client-key-data', string> }];
  }
  const [{ user }] = (parse(system.parent.kubeconfig) as Config).users;
  const [cert, key] = [user['client-certificate-data'], user['client-key-data']].map((text) => Buffer.from(text, 'base64'));
  return new Agent({ connect: { ca: system.parent.caPem, cert, key } });
}

const asAnna = { 'Impersonate-User': 'anna', 'Impersonate-Group': 'team' };

/** A visit by a client that tries again when it is asked to. */
function visit(path: string): Promise<{ status: number; body: string }> {
  return parent.text({ method: 'GET', path: visited.direct(path), headers: asAnna, timeoutMs: 120_000 });
}

/** A visit that is not tried again: its end is what is looked at, not the patience of a client. */
async function visitOnce(path: string): Promise<{ status: number; body: string }> {
  const url = system.parent.server + visited.direct(path);
  const answer = await request(url, { dispatcher: impatient, headers: asAnna, headersTimeout: 120_000, bodyTimeout: 120_000 });
  return { status: answer.statusCode, body: await answer.body.text() };
}

/** The child can be visited. */
async function back(): Promise<void> {
  await eventually(async () => expect((await visitOnce('/version')).status).toBe(200));
}

function settings(value: string): KubeObject[] {
  return Array.from({ length: 50 }, (_, n) => configMap('shop', `settings-${n}`, { value }));
}

async function arrived(value: string): Promise<void> {
  await eventually(async () => {
    const { items } = await child
      .resource<KubeObject & { data?: { value?: string } }>(core.configMaps)
      .list({ namespace: 'shop' });
    const values = items.filter(({ metadata }) => metadata.name?.startsWith('settings-')).map(({ data }) => data?.value);
    expect(values).toEqual(Array(50).fill(value));
  });
}

/** Begins an exec and a watch; tells what becomes of them. */
async function underWay() {
  const { exec, watch } = await visited.execAndWatch('anna');
  return async () => Promise.all([fate(exec, 'never said'), fate(watch, 'never said')]);
}

describe('the way between agent and parent', () => {
  it('is cut in the middle of an exec and a watch: both end, and all is well again', async () => {
    const fates = await underWay();
    way.cut();
    expect(await fates()).toEqual(['ended', 'ended']);
    way.mend();
    await back();
  });

  it('is cut in the middle of a list of 50 MB: it is whole, or is seen to be cut', async () => {
    await visited.fill();
    const outcome = visitOnce('/api/v1/namespaces/default/configmaps').then(
      ({ status, body }) => (status === 200 ? (JSON.parse(body) as { items: unknown[] }).items.length : 'failed'),
      () => 'failed',
    );
    await eventually(async () => expect(await visited.streams()).toBeGreaterThan(0));
    way.cut();
    expect(['failed', visited.many]).toContain(await outcome);
    way.mend();
    await back();
    await visited.empty();
  });

  it('is cut in the middle of a rollout: it goes on where it was', async () => {
    const publisher = new Publisher(parent);
    await publisher.feed(...settings('after'));
    way.cut();
    const half = settings('at last');
    await publisher.feed(...half);
    way.mend();
    await arrived('at last');
  });

  it('loses everything and says nothing: requests end with an error to try again on, and the tunnel comes back', async () => {
    const watch = visitOnce('/api/v1/namespaces?watch=true').then(
      () => 'ended',
      () => 'ended',
    );
    await eventually(async () => expect(await visited.streams()).toBeGreaterThan(0));
    way.hold();
    expect(await watch).toBe('ended');
    const { status, body } = await visitOnce('/version');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', details: { retryAfterSeconds: expect.any(Number) } });
    way.release();
    await back();
  });

  it(
    `is cut ${cycles} times, with requests under way: nothing is left of them`,
    async () => {
      const processes = ['clusternet-hub', 'clusternet-agent/child', 'clusternet-agent/child-2'].map((name) =>
        visited.service(name),
      );
      await cycle();
      const before = await Promise.all(processes.map(usage));
      for (let n = 0; n < cycles; n++) await cycle();
      await eventually(async () => expect(await visited.streams()).toBeLessThan(5));
      await eventually(async () => {
        const after = await Promise.all(processes.map(usage));
        for (const [at, { files, megabytes }] of after.entries()) {
          // Connections that are kept for the next request come and go.
          expect(files).toBeLessThan((before[at]?.files ?? 0) + 12);
          expect(megabytes).toBeLessThan((before[at]?.megabytes ?? 0) + 60);
        }
      });
    },
    Math.max(300_000, cycles * 10_000),
  );

  async function cycle(): Promise<void> {
    const paths = ['/api/v1/namespaces?watch=true', '/api/v1/pods?watch=true', '/api/v1/configmaps?watch=true'];
    const ends = Promise.allSettled(paths.map((path) => visitOnce(path)));
    await eventually(async () => expect(await visited.streams()).toBeGreaterThanOrEqual(paths.length));
    way.cut();
    await ends;
    way.mend();
    await back();
  }

  async function usage({ pid }: Workload): Promise<{ files: number; megabytes: number }> {
    const files = (await readdir(`/proc/${pid}/fd`)).length;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return { files, megabytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024 };
  }
});

describe('the API server of the parent', () => {
  it('is killed in the middle of an exec and a watch, and comes back: both end, and all is well again', async () => {
    const fates = await underWay();
    await system.parent.kill();
    expect(await fates()).toEqual(['ended', 'ended']);
    await system.parent.restart();
    await back();
  });
});

describe('the agent that leads', () => {
  it('is killed: another holds the tunnel within the time of the lease, and deploying goes on', async () => {
    const { spec } = await child.request<{ spec: { holderIdentity: string } }>({
      method: 'GET',
      path: '/apis/coordination.k8s.io/v1/namespaces/clusternet-system/leases/clusternet-agent',
    });
    const agents = ['clusternet-agent/child', 'clusternet-agent/child-2'].map((name) => visited.service(name));
    // Which one it is cannot be told from outside: the one whose end the tunnel does not survive.
    for (const agent of agents) {
      await agent.kill();
      await back();
      await agent.restart();
      await agent.waitReady();
    }
    const later = await child.request<{ spec: { holderIdentity: string } }>({
      method: 'GET',
      path: '/apis/coordination.k8s.io/v1/namespaces/clusternet-system/leases/clusternet-agent',
    });
    expect(later.spec.holderIdentity).not.toBe(spec.holderIdentity);
    await new Publisher(parent).feed(...settings('from the other one'));
    await arrived('from the other one');
  });
});

describe('kubectl top', () => {
  it('shows what the metrics API of the child says', async () => {
    await serveMetrics();
    await eventually(async () =>
      expect(await visited.program.run('anna', 'top', 'nodes')).toMatch(/child-node-1 +250m .* 1024Mi/),
    );
    expect(await visited.program.run('anna', 'top', 'pods', '-n', 'shop')).toMatch(/web-1 +100m +64Mi/);
  });

  /** Stands in for the metrics server: what is shown is the way through two aggregated APIs. */
  async function serveMetrics(): Promise<void> {
    const authority = await CertificateAuthority.create('metrics');
    metricsServer = createServer(await authority.issue({ names: ['metrics'], hosts: ['localhost', '127.0.0.1'] }));
    metricsServer.on('request', ({ url = '' }, response) => {
      const path = url.split('?')[0] ?? '';
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(metricsOf(path)));
    });
    metricsServer.listen(0, 'localhost');
    await once(metricsServer, 'listening');
    const { port } = metricsServer.address() as AddressInfo;
    const write = (path: string, body: object): Promise<unknown> => child.request({ method: 'POST', path, body });
    await write('/api/v1/namespaces/kube-system/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'metrics' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await write('/apis/apiregistration.k8s.io/v1/apiservices', {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: 'metrics', namespace: 'kube-system', port },
      },
    });
  }

  function metricsOf(path: string): object {
    const apiVersion = 'metrics.k8s.io/v1beta1';
    const sample = { timestamp: '2026-01-01T00:00:00Z', window: '10s' };
    if (path.endsWith('/nodes')) {
      const usage = { cpu: '250m', memory: '1Gi' };
      return {
        kind: 'NodeMetricsList',
        apiVersion,
        metadata: {},
        items: [{ metadata: { name: 'child-node-1' }, ...sample, usage }],
      };
    }
    if (path.endsWith('/pods')) {
      const containers = [{ name: 'web', usage: { cpu: '100m', memory: '64Mi' } }];
      const metadata = { name: 'web-1', namespace: 'shop' };
      return { kind: 'PodMetricsList', apiVersion, metadata: {}, items: [{ metadata, ...sample, containers }] };
    }
    const resource = (name: string, kind: string, namespaced: boolean): object => ({
      name,
      singularName: '',
      namespaced,
      kind,
      verbs: ['get', 'list'],
    });
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: [resource('nodes', 'NodeMetrics', false), resource('pods', 'PodMetrics', true)],
    };
  }
});

describe('the API server of a child', () => {
  it('gets a certificate of another CA: visits and deployments go on, with no agent started anew', async () => {
    const [cluster] = system.children;
    if (!cluster) throw new Error('there is no child');
    const authority = await CertificateAuthority.create('another-ca');
    await everybodyTrusts(cluster, cluster.caPem + authority.cert);
    let rotated = false;
    const visitor = (async () => {
      const answers = new Set<number>();
      while (!rotated) answers.add((await visit('/version')).status);
      return [...answers];
    })();
    await certify(cluster, authority);
    await everybodyTrusts(cluster, authority.cert);
    await new Publisher(parent).feed(...settings('of another CA'));
    await arrived('of another CA');
    rotated = true;
    expect(await visitor).toEqual([200]);
  });

  /** Gives all clients of the child this bundle, and waits until the hub goes by it as well. */
  async function everybodyTrusts(cluster: Cluster, bundle: string): Promise<void> {
    expect(await giveCa(cluster, bundle)).toBe(2);
    const encoded = Buffer.from(bundle).toString('base64');
    await eventually(async () => {
      const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
      expect(items[0]?.status?.apiserverCABundle).toBe(encoded);
      const namespace = items[0]?.metadata.namespace ?? '';
      for (const name of ['child-cluster-deployer', 'child-cluster-visitor']) {
        const secret = await parent
          .resource<KubeObject & { data?: Record<string, string> }>(core.secrets)
          .get({ namespace, name });
        expect(secret.data?.['ca.crt']).toBe(encoded);
      }
    });
  }
});
