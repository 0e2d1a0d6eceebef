// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  names,
  resources,
  secretKeys,
  taints,
  type ClusterRegistrationRequest,
  type KubeObject,
  type ManagedCluster,
} from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import {
  createBootstrapToken,
  installChart,
  startClusters,
  startWorkload,
  type ClusterSet,
  type Workload,
} from '@clusternet/localup';
import { CertificateAuthority } from '@clusternet/pki';
import { giveUpLease } from './testing/crash.ts';
import { eventually, throughout } from './testing/eventually.ts';
import { quickElection } from './testing/quickElection.ts';
import { certify, giveCa } from './testing/rotation.ts';

const repository = resolve(import.meta.dirname, '../..');
const system = names.systemNamespace;

type Secret = KubeObject & { data?: Record<string, string> };
type Event = KubeObject & { reason?: string; message?: string; count?: number; involvedObject?: { kind?: string } };

let clusters: ClusterSet;
let parent: KubeClient;
let child: KubeClient;
let hub: Workload;
let agent: Workload;
let token: string;
let values: Record<string, unknown>;

beforeAll(async () => {
  clusters = await startClusters({
    children: [{ name: 'child1', nodes: 1, auditLog: true }],
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: clusters.parent.kubeconfigPath });
  child = await KubeClient.fromKubeConfig({ path: clusters.cluster('child1').kubeconfigPath });
  await install('hub', { replicaCount: 1 });
  hub = await start('hub');
  await hub.waitReady();
  token = await createBootstrapToken(clusters.parent.api);
  values = {
    replicaCount: 1,
    parentURL: clusters.parent.server,
    parentCA: clusters.parent.caPem,
    registrationToken: token,
    clusterName: 'child1',
    syncMode: 'Dual',
    logging: { format: 'json' },
    extraEnv: [{ name: 'SERVICE_CIDR', value: '10.96.0.0/12' }],
    extraArgs: {
      ...quickElection,
      'cluster-heartbeat-frequency': '2s',
      'cluster-status-update-frequency': '5s',
      'cluster-status-collect-frequency': '2s',
    },
  };
}, 1_200_000);

afterAll(async () => {
  await agent?.stop();
  await hub?.stop();
  await Promise.all([parent?.close(), child?.close()]);
  await clusters?.close();
}, 120_000);

async function install(component: 'hub' | 'agent', chartValues: Record<string, unknown>): Promise<void> {
  await installChart({
    cluster: component === 'hub' ? clusters.parent : clusters.cluster('child1'),
    chartDir: join(repository, 'charts', `clusternet-${component}`),
    release: `clusternet-${component}`,
    namespace: system,
    values: chartValues,
  });
}

function start(component: 'hub' | 'agent'): Promise<Workload> {
  return startWorkload({
    cluster: component === 'hub' ? clusters.parent : clusters.cluster('child1'),
    namespace: system,
    deployment: `clusternet-${component}`,
    entrypoints: { [`clusternet/clusternet-${component}`]: join(repository, 'packages', component, 'dist', 'main.js') },
  });
}

interface LogLine {
  level: string;
  message: string;
  reason?: string;
  error?: string;
}

let logStart = 0;

/** Gives the agent other chart values, and starts it anew. */
async function agentWith(changed: Record<string, unknown>): Promise<void> {
  await install('agent', { ...values, ...changed });
  if (agent) {
    await agent.stop();
    logStart = (await readFile(agent.logPath, 'utf8')).length;
    await agent.restart();
  } else agent = await start('agent');
  await agent.waitReady();
}

/** What the agent has logged since it was started last. */
async function log(): Promise<LogLine[]> {
  return logOf(agent, logStart);
}

async function logOf({ logPath }: Workload, start = 0): Promise<LogLine[]> {
  const text = (await readFile(logPath, 'utf8')).slice(start);
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}

/** A token for something else than registration. */
async function bootstrapTokenWith(stringData: Record<string, string>): Promise<{ registrationToken: string }> {
  const registrationToken = await createBootstrapToken(clusters.parent.api);
  const name = `bootstrap-token-${registrationToken.split('.')[0]}`;
  await parent.resource(core.secrets).patch({ namespace: 'kube-system', name }, { stringData }, { type: 'merge' });
  return { registrationToken };
}

/** A token of a ServiceAccount of the parent, as `kubectl create token` makes it. */
async function serviceAccountToken(namespace: string, name: string): Promise<string> {
  const { status } = await parent.request<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  return status.token;
}

function warningsIn(lines: LogLine[]): (string | undefined)[] {
  return lines.filter((line) => line.message === 'cluster is not registered').map((line) => line.reason);
}

async function leaseEvents(reason: string): Promise<Event[]> {
  const { items } = await child.resource<Event>(core.events).list({ namespace: system });
  return items.filter((event) => event.reason === reason && event.involvedObject?.kind === 'Lease');
}

async function request(): Promise<ClusterRegistrationRequest | undefined> {
  return (await parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).list()).items[0];
}

async function managedCluster(): Promise<ManagedCluster> {
  const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
  expect(items).toHaveLength(1);
  return items[0] as ManagedCluster;
}

async function ready(): Promise<ManagedCluster> {
  return eventually(async () => {
    const cluster = await managedCluster();
    expect(cluster.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    return cluster;
  });
}

/** Resolves once a heartbeat has come that is younger than this call. */
async function heartbeat(): Promise<void> {
  const called = Date.now();
  await eventually(async () => {
    const { namespace } = (await managedCluster()).metadata;
    const { spec } = await parent
      .resource<KubeObject & { spec: { renewTime?: string } }>(core.leases)
      .get({ namespace, name: names.heartbeatLease });
    expect(Date.parse(spec.renewTime ?? '')).toBeGreaterThan(called);
  });
}

async function stored(): Promise<Record<string, string>> {
  const secret = await child.resource<Secret>(core.secrets).find({ namespace: system, name: names.parentCluster });
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

async function pushSecret(): Promise<Secret | undefined> {
  const { namespace = '' } = (await managedCluster()).metadata;
  return parent.resource<Secret>(core.secrets).find({ namespace, name: names.childClusterDeployer });
}

describe('a cluster that cannot register says why, once, and does not hammer the parent', () => {
  const cases: Record<string, { reason: string; change: () => Promise<Record<string, string>> }> = {
    'a wrong token': { reason: 'TokenRejected', change: async () => ({ registrationToken: 'abcdef.0123456789abcdef' }) },
    'an expired token': {
      reason: 'TokenRejected',
      change: async () => ({
        registrationToken: await createBootstrapToken(clusters.parent.api, { expiration: new Date(Date.now() - 1000) }),
      }),
    },
    'a token for another use': {
      reason: 'TokenRejected',
      change: () => bootstrapTokenWith({ 'usage-bootstrap-authentication': 'false' }),
    },
    'a token of another group': {
      reason: 'Forbidden',
      change: () => bootstrapTokenWith({ 'auth-extra-groups': 'system:bootstrappers:others' }),
    },
    'the CA of somebody else': {
      reason: 'UnknownAuthority',
      change: async () => ({ parentCA: (await CertificateAuthority.create('somebody else')).cert }),
    },
    'no CA': { reason: 'UnknownAuthority', change: async () => ({ parentCA: '' }) },
    'a parent that is not there': {
      reason: 'ParentUnreachable',
      change: async () => ({ parentURL: 'https://127.0.0.1:1' }),
    },
  };

  it(`with ${Object.keys(cases).join(', ')}`, async () => {
    // Side by side, so that all wait for their next try at once; none of them may stand back for another's election.
    const running: { name: string; reason: string; token: string | undefined; agent: Workload }[] = [];
    for (const [name, { reason, change }] of Object.entries(cases)) {
      const changed = await change();
      await install('agent', { ...values, ...changed, leaderElect: false });
      running.push({ name, reason, token: changed['registrationToken'], agent: await start('agent') });
    }
    const expected = Object.fromEntries(running.map(({ name, reason }) => [name, [reason]]));
    const warned = async () =>
      Object.fromEntries(
        await Promise.all(running.map(async ({ name, agent }) => [name, warningsIn(await logOf(agent))] as const)),
      );
    await eventually(async () => expect(await warned()).toEqual(expected));
    for (const { reason } of running) await eventually(async () => expect((await leaseEvents(reason)).length).toBeGreaterThan(0));
    await throughout(6, async () => expect(await warned()).toEqual(expected));
    expect(await request()).toBeUndefined();
    await Promise.all(running.map(({ agent }) => agent.stop()));
    for (const { token, agent } of running) {
      if (token !== undefined) expect(await readFile(agent.logPath, 'utf8')).not.toContain(token.split('.')[1]);
    }
  });

  it('a ServiceAccount token that is no registration token is forbidden', async () => {
    await agentWith({ registrationToken: await serviceAccountToken('default', 'default') });
    await eventually(async () => expect(new Set(warningsIn(await log()))).toEqual(new Set(['Forbidden'])));
  });
});

describe('a registered cluster', () => {
  let clusterId: string;

  it('reports what it is', async () => {
    await agentWith({});
    const cluster = await ready();
    clusterId = cluster.spec.clusterId;
    const lease = await child.resource<KubeObject>(core.leases).get({ namespace: system, name: names.agent });
    expect(clusterId).toBe(lease.metadata.uid);
    expect(cluster.metadata.name).toBe('child1');
    await eventually(async () =>
      expect((await managedCluster()).status).toMatchObject({
        healthz: true,
        livez: true,
        readyz: true,
        apiserverURL: clusters.cluster('child1').server,
        appPusher: true,
        useSocket: false,
        heartbeatFrequencySeconds: 2,
        serviceCIDR: '10.96.0.0/12',
        nodeStatistics: { readyNodes: 1, notReadyNodes: 0, unknownNodes: 0, lostNodes: 0 },
        k8sVersion: expect.stringMatching(/^v1\./),
        platform: expect.stringContaining('/'),
      }),
    );
    expect(Object.keys((await managedCluster()).status?.capacity ?? {})).toEqual(['cpu', 'memory']);
    expect(await leaseEvents('Registered')).toHaveLength(1);
  });

  it('keeps its credential to itself: encrypted in the parent, in one Secret in the child', async () => {
    const { token: dedicated = '', namespace } = await stored();
    expect(namespace).toBe((await managedCluster()).metadata.namespace);
    expect(JSON.stringify(await request())).not.toContain(dedicated.split('.')[2]);
    expect((await request())?.status?.token).toBeUndefined();
    expect(await readFile(agent.logPath, 'utf8')).not.toContain(dedicated.split('.')[2]);
    expect(await readFile(agent.logPath, 'utf8')).not.toContain(token.split('.')[1]);
  });

  it('hands the parent a credential to deploy with, without a finalizer', async () => {
    const secret = await eventually(async () => {
      const found = await pushSecret();
      expect(found).toBeDefined();
      return found as Secret;
    });
    expect(secret.metadata.finalizers).toBeUndefined();
    const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
    const deployer = KubeClient.fromOptions({
      server: text(secretKeys.apiserverUrl),
      caPem: text(secretKeys.caCertificate),
      token: text(secretKeys.token),
    });
    try {
      expect((await deployer.resource(core.namespaces).list()).items.length).toBeGreaterThan(0);
    } finally {
      await deployer.close();
    }
    await parent.resource(core.secrets).delete(secret.metadata);
    await eventually(async () => expect(await pushSecret()).toBeDefined());
  });

  it('is unknown to the parent while it is silent, and takes up where it was after a kill, also when its registration token is gone', async () => {
    const before = await request();
    await parent.resource(core.secrets).delete({ namespace: 'kube-system', name: `bootstrap-token-${token.split('.')[0]}` });
    await agent.kill('SIGKILL');
    await eventually(async () => {
      const { spec, status } = await managedCluster();
      expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'Unknown' }));
      expect(status).toMatchObject({ healthz: false, livez: false, readyz: false });
      expect(spec.taints).toMatchObject([{ key: taints.unschedulable, effect: 'NoSchedule' }]);
    });
    await giveUpLease(clusters.cluster('child1'), names.agent);
    await agent.restart();
    await heartbeat();
    await ready();
    await eventually(async () => expect((await managedCluster()).spec.taints ?? []).toEqual([]));
    expect((await request())?.metadata.uid).toBe(before?.metadata.uid);
    token = await createBootstrapToken(clusters.parent.api);
    values = { ...values, registrationToken: token };
  });

  it('goes on when its ManagedCluster is deleted and made anew', async () => {
    const before = await managedCluster();
    await parent.resource<ManagedCluster>(resources.managedClusters).delete(before.metadata);
    await eventually(async () => expect((await managedCluster()).metadata.uid).not.toBe(before.metadata.uid));
    expect((await ready()).spec.clusterId).toBe(clusterId);
  });

  it('keeps its identity when its Lease is deleted', async () => {
    await agent.stop();
    await child.resource(core.leases).delete({ namespace: system, name: names.agent });
    await agent.restart();
    await heartbeat();
    expect((await managedCluster()).spec.clusterId).toBe(clusterId);
  });

  it('carries changed flags to the parent, and deploys by itself from then on', async () => {
    await agentWith({ syncMode: 'Pull', clusterLabels: { tier: 'gold' } });
    await eventually(async () => {
      const cluster = await managedCluster();
      expect(cluster.spec.syncMode).toBe('Pull');
      expect(cluster.metadata.labels).toMatchObject({ tier: 'gold' });
    });
    await eventually(async () => expect(await pushSecret()).toBeUndefined());
    await agentWith({ syncMode: 'Push' });
    await eventually(async () => {
      const cluster = await managedCluster();
      expect(cluster.spec.syncMode).toBe('Push');
      expect(cluster.metadata.labels).not.toHaveProperty('tier');
    });
    await eventually(async () => expect(await pushSecret()).toBeDefined());
  });

  it('takes over a new credential when the parent revokes the one it has', async () => {
    const { token: before, namespace = '' } = await stored();
    const { items } = await parent.resource<KubeObject>(core.serviceAccounts).list({ namespace });
    for (const account of items.filter(({ metadata }) => metadata.name !== 'default')) {
      await parent.resource(core.serviceAccounts).delete(account.metadata);
    }
    await eventually(async () => expect((await stored()).token).not.toBe(before));
    await heartbeat();
  });

  it('stops when another one leads, and leads again after it', async () => {
    const { pid } = agent;
    const leases = child.resource<KubeObject & { spec?: object }>(core.leases);
    const spec = {
      holderIdentity: 'another',
      leaseDurationSeconds: 4,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    };
    const times = async () => (await log()).filter((line) => line.message === 'leading').length;
    const start = await times();
    await leases.patch({ namespace: system, name: names.agent }, { spec }, { type: 'merge' });
    await eventually(async () => expect(await times()).toBeGreaterThan(start));
    await heartbeat();
    expect(agent.pid).toBe(pid);
  });

  it('works without leader election', async () => {
    await agentWith({ leaderElect: false, syncMode: 'Push' });
    await heartbeat();
    expect((await managedCluster()).spec.clusterId).toBe(clusterId);
    await agentWith({ syncMode: 'Push' });
    await heartbeat();
  });

  it('does not watch pods, and looks for address ranges in kube-system only', async () => {
    const audit = await readFile(clusters.cluster('child1').auditLogPath ?? '', 'utf8');
    const uris = audit
      .split('\n')
      .filter((line) => line.includes('system:serviceaccount:clusternet-system:clusternet-agent'))
      .flatMap((line) => /"requestURI":"([^"]*)"/.exec(line)?.[1] ?? [])
      .filter((uri) => /\/pods(\?|$)/.test(uri));
    expect(uris.filter((uri) => uri.includes('watch=') || !uri.includes('/namespaces/kube-system/'))).toEqual([]);
    expect(uris.length).toBeGreaterThan(0);
  });

  it('survives an outage of the parent', async () => {
    await clusters.parent.stop();
    await throughout(5, () => expect(agent.exit).toBeUndefined());
    await clusters.parent.restart();
    await heartbeat();
  });

  it('notices that it was deregistered, is idle until it is restarted, and registers anew then, with a ServiceAccount too', async () => {
    const before = await request();
    await parent
      .resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests)
      .delete({ name: before?.metadata.name ?? '' });
    await eventually(async () => expect((await log()).map((line) => line.message)).toContain('cluster was deregistered'));
    expect(Object.keys(await stored())).not.toContain('token');
    expect(await leaseEvents('Deregistered')).toHaveLength(1);
    await throughout(8, async () => {
      expect(await request()).toBeUndefined();
      expect(agent.exit).toBeUndefined();
    });
    await agent.waitReady();
    await agentWith({ registrationToken: await serviceAccountToken(system, names.bootstrapUse) });
    expect((await ready()).spec.clusterId).toBe(clusterId);
    expect((await request())?.metadata.uid).not.toBe(before?.metadata.uid);
  });
});

describe('a parent whose CA is replaced', () => {
  it('keeps an agent that was given the old one as text, without a restart and after one', async () => {
    const given = Buffer.from(clusters.parent.caPem).toString('base64');
    const extraArgs = { ...(values['extraArgs'] as Record<string, string>), 'cluster-reg-parent-ca': given };
    await agentWith({ parentCA: '', extraArgs });
    await heartbeat();
    const { pid } = agent;
    const authority = await CertificateAuthority.create('another-ca');
    for (const bundle of [clusters.parent.caPem + authority.cert, authority.cert]) {
      expect(await giveCa(clusters.parent, bundle)).toBe(1);
      await eventually(async () => expect((await stored())[secretKeys.caCertificate]).toBe(bundle));
      await certify(clusters.parent, authority);
    }
    await heartbeat();
    // The registration token has to find its way by the CA that was learnt, too.
    const { token: before, namespace = '' } = await stored();
    await parent.resource(core.serviceAccounts).delete({ namespace, name: namespace });
    await eventually(async () => expect((await stored()).token).not.toBe(before));
    await heartbeat();
    expect(agent.pid).toBe(pid);
    expect(warningsIn(await log())).toEqual([]);
    await agent.stop();
    await agent.restart();
    await heartbeat();
    expect(agent.pid).not.toBe(pid);
  });
});
