// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClusterRegistrationRequest, type KubeObject, type ManagedCluster, resources, taints } from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import {
  ChartRepository,
  type Cluster,
  createBootstrapToken,
  installChart,
  kubeconfigYaml,
  startSystem,
  startWorkload,
  type System,
  uninstallChart,
  type Workload,
} from '@clusternet/localup';
import { chartFolder } from './testing/charts.ts';
import { AuditLog } from './testing/auditLog.ts';
import { eventually, throughout } from './testing/eventually.ts';
import { conditionLine, configMap, deployment, namespace, Publisher } from './testing/feeds.ts';
import { logDir } from './testing/logDir.ts';
import { quickElection, shortLease } from './testing/quickElection.ts';

const run = promisify(execFile);
const plugin = fileURLToPath(new URL('../../packages/kubectl-clusternet/dist/main.js', import.meta.url));
const names = ['a', 'b', 'c'] as const;
type Name = (typeof names)[number];
/** Of Subscriptions to all clusters but those that there are only objects of. */
const real = { matchExpressions: [{ key: 'fake', operator: 'DoesNotExist' }] };

const hubValues = {
  extraArgs: quickElection,
  featureGates: { SocketConnection: true },
  failover: { after: '10s', interval: '1s', maxShare: 0.5 },
};
const agentValues = {
  extraArgs: { ...shortLease, 'cluster-status-collect-frequency': '1s' },
  featureGates: { SocketConnection: true, Predictor: true },
  predictor: { port: 0 },
  heartbeat: '1s',
};

let system: System;
let parent: KubeClient;
let publisher: Publisher;
const clients = new Map<Name, KubeClient>();

beforeAll(async () => {
  system = await startSystem({
    audit: true,
    children: names.map((name) => ({ name, nodes: 1, syncMode: name === 'b' ? ('Push' as const) : ('Pull' as const) })),
    values: {
      hub: hubValues,
      scheduler: { extraArgs: { ...quickElection, 'vanished-cluster-grace': '3s' } },
      'override-engine': { extraArgs: quickElection },
      agent: agentValues,
    },
    logDir: logDir(),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const name of names) clients.set(name, await KubeClient.fromKubeConfig({ path: server(name).kubeconfigPath }));
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...clients.values()].map((client) => client?.close()));
  await system?.close();
}, 120_000);

function server(name: Name): Cluster {
  const cluster = system.children.find((child) => child.name === name);
  if (!cluster) throw new Error(`there is no child ${name}`);
  return cluster;
}

function agent(name: Name): Workload {
  const service = system.services.find((one) => one.name === `clusternet-agent/${name}`);
  if (!service) throw new Error(`there is no agent in ${name}`);
  return service.process;
}

function child(name: Name): KubeClient {
  const client = clients.get(name);
  if (!client) throw new Error(`there is no child ${name}`);
  return client;
}

async function managedCluster(name: string): Promise<ManagedCluster> {
  const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
  const found = items.find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no ManagedCluster ${name}`);
  return found;
}

const readyOf = ({ status }: ManagedCluster) => status?.conditions?.find(({ type }) => type === 'Ready');
const effectsOf = ({ spec }: ManagedCluster) => (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);

async function becomes(name: string, status: string): Promise<void> {
  await eventually(async () => expect(readyOf(await managedCluster(name))?.status).toBe(status));
}

async function boundTo(subscription: string): Promise<string[]> {
  const { status } = await publisher.subscription(subscription);
  return (status?.bindingClusters ?? []).map((binding) => binding.split('/')[1] ?? '').sort();
}

async function uidIn(name: Name, ns: string, what: string): Promise<string | undefined> {
  return (await child(name).resource(core.configMaps).find({ name: what, namespace: ns }))?.metadata.uid;
}

/** Runs `kubectl clusternet` against the parent. */
async function kubectl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const all = [plugin, ...args, '--kubeconfig', system.parent.kubeconfigPath];
  return run(process.execPath, all, { timeout: 120_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code?: number; stdout: string; stderr: string }) => ({
      code: error.code ?? -1,
      out: error.stdout,
      err: error.stderr,
    }),
  );
}

describe('a cluster that does well', () => {
  it('says so by its Lease, and its report is not written again', async () => {
    await eventually(async () => expect((await managedCluster('a')).status?.heartbeatFrequencySeconds).toBe(1));
    const { metadata } = await managedCluster('a');
    const lease = { name: 'clusternet-heartbeat', namespace: metadata.namespace };
    const renewed = async () => (await parent.resource<KubeObject>(core.leases).get(lease))['spec'] as { renewTime?: string };
    const { renewTime } = await renewed();
    await eventually(async () => expect((await renewed()).renewTime).not.toBe(renewTime));
    await eventually(async () => {
      const before = (await managedCluster('a')).metadata.resourceVersion;
      await throughout(3, async () => expect((await managedCluster('a')).metadata.resourceVersion).toBe(before));
    });
    await becomes('a', 'True');
  });

  it('has the labels of its nodes, beside those that people set', async () => {
    const { metadata } = await managedCluster('a');
    const ref = { name: 'a', namespace: metadata.namespace };
    const label = { metadata: { labels: { 'node.clusternet.io/by-hand': 'yes', team: 'blue' } } };
    await parent.resource(resources.managedClusters).patch(ref, label, { type: 'merge' });
    const { items } = await child('a').resource<KubeObject>(core.nodes).list();
    const node = { name: items[0]?.metadata.name ?? '' };
    const mark = (value: string | null) =>
      child('a')
        .resource(core.nodes)
        .patch(node, { metadata: { labels: { 'node.clusternet.io/gpu': value } } }, { type: 'merge' });
    const labels = async () => (await managedCluster('a')).metadata.labels ?? {};
    await mark('a100');
    await eventually(async () => expect((await labels())['node.clusternet.io/gpu']).toBe('a100'));
    await mark(null);
    await eventually(async () => expect(Object.keys(await labels())).not.toContain('node.clusternet.io/gpu'));
    expect(await labels()).toMatchObject({ 'node.clusternet.io/by-hand': 'yes', team: 'blue' });
  });

  it('predicts for the scheduler what still fits, through its tunnel', async () => {
    const { spec, status } = await managedCluster('a');
    expect(status).toMatchObject({ predictorEnabled: true, predictorDirectAccess: false });
    const { protocol, host } = new URL(status?.predictorAddress ?? '');
    const predict = async (requirements: object): Promise<unknown> =>
      parent.request({
        method: 'POST',
        path: `/apis/proxies.clusternet.io/v1alpha1/sockets/${spec.clusterId}/proxy/${protocol.slice(0, -1)}/${host}/replicas/predict`,
        headers: {
          'impersonate-user': 'system:serviceaccount:clusternet-system:clusternet-scheduler',
          'cluster-id': spec.clusterId,
        },
        body: requirements,
      });
    const one = { resources: { requests: { cpu: '1' } } };
    const replicas = (count: number) =>
      eventually(async () => expect(await predict(one)).toEqual({ replicas: { default: count } }));
    const { items } = await child('a').resource<KubeObject>(core.nodes).list();
    const { allocatable } = items[0]?.['status'] as { allocatable: { cpu: string } };
    // What runs there already takes less than one.
    const cpus = Number(allocatable.cpu) - 1;
    await replicas(cpus);
    const spec_ = { nodeName: items[0]?.metadata.name, containers: [{ name: 'c', image: 'none', ...one }] };
    const ref = { name: 'taker', namespace: 'default' };
    await child('a').resource<KubeObject>(core.pods).create({ apiVersion: 'v1', kind: 'Pod', metadata: ref, spec: spec_ });
    await replicas(cpus - 1);
    await child('a').resource(core.pods).delete(ref, { gracePeriodSeconds: 0 });
    await replicas(cpus);
    expect(await predict({ nodeSelector: { nowhere: 'at all' } })).toEqual({ replicas: { default: 0 } });
  });
});

describe('a cluster that is cordoned', () => {
  it('keeps what it has and gets nothing new, until it is uncordoned', async () => {
    await publisher.subscribe('old', await publisher.feed(namespace('old'), configMap('old', 'kept', { a: 'b' })), real);
    await eventually(async () => expect(await uidIn('b', 'old', 'kept')).toBeDefined());
    expect(await kubectl('cordon', 'b')).toMatchObject({ code: 0, out: 'cluster b cordoned\n' });
    expect(await kubectl('cordon', 'b')).toMatchObject({ code: 0, out: 'cluster b cordoned already\n' });
    await eventually(async () => expect((await kubectl('clusters')).out).toMatch(/^b +True,Cordoned /m));
    await publisher.subscribe('new', await publisher.feed(namespace('new'), configMap('new', 'm', { a: 'b' })), real);
    await eventually(async () => expect(await boundTo('new')).toEqual(['a', 'c']));
    expect(await boundTo('old')).toEqual(['a', 'b', 'c']);
    expect(await kubectl('uncordon', 'b')).toMatchObject({ code: 0, out: 'cluster b uncordoned\n' });
    await eventually(async () => expect(await boundTo('new')).toEqual(['a', 'b', 'c']));
    await eventually(async () => expect((await managedCluster('b')).spec.taints ?? []).toEqual([]));
  });

  it('is drained of everything that does not tolerate it, and fills again', async () => {
    const done = await kubectl('drain', 'b', '--timeout', '100s');
    expect(done).toMatchObject({ code: 0 });
    expect(done.out).toBe('cluster b draining\ncluster b drained\n');
    expect(await uidIn('b', 'old', 'kept')).toBeUndefined();
    expect(await uidIn('a', 'old', 'kept')).toBeDefined();
    await kubectl('uncordon', 'b');
    await eventually(async () => expect(await uidIn('b', 'old', 'kept')).toBeDefined());
  });

  it('is left by an application that is in one cluster alone only when it is up in another one', async () => {
    const feeds = await publisher.feed(namespace('moving'), deployment('moving', 'web', 1));
    await parent.resource(resources.subscriptions).create({
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Subscription',
      metadata: { name: 'moving', namespace: 'default' },
      spec: {
        schedulingBySubGroup: true,
        subscribers: [{ clusterAffinity: real, subGroupStrategy: { minClusters: 1 } }],
        feeds,
      },
    });
    const web = async (name: Name) => {
      const found = await child(name).resource(core.deployments).find({ name: 'web', namespace: 'moving' });
      return found && ((found['status'] as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0);
    };
    await eventually(async () => expect(await boundTo('moving')).toHaveLength(1));
    const [from] = (await boundTo('moving')) as [Name];
    await eventually(async () => expect(await web(from)).toBe(1));
    const others = names.filter((name) => name !== from);
    const schedulable = (unschedulable: boolean) =>
      Promise.all(
        others.map(async (name) => {
          const { items } = await child(name).resource<KubeObject>(core.nodes).list();
          for (const { metadata } of items) {
            await child(name).resource(core.nodes).patch({ name: metadata.name }, { spec: { unschedulable } }, { type: 'merge' });
          }
        }),
      );
    await schedulable(true);
    await kubectl('drain', from, '--no-wait');
    await eventually(async () => expect(await boundTo('moving')).not.toContain(from));
    const [to] = (await boundTo('moving')) as [Name];
    await eventually(async () => expect(await web(to)).toBe(0));
    await throughout(2, async () => expect(await web(from)).toBe(1));
    await schedulable(false);
    await eventually(async () => {
      expect(await web(to)).toBe(1);
      expect(await web(from)).toBeUndefined();
    });
    await kubectl('uncordon', from);
    await publisher.unsubscribe('moving');
    await eventually(async () => expect(await boundTo('old')).toEqual(['a', 'b', 'c']));
    await eventually(async () => expect(await uidIn(from, 'old', 'kept')).toBeDefined());
  });

  it('says what went wrong', async () => {
    expect(await kubectl('drain', 'nowhere')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no cluster is called "nowhere"'),
    });
    expect((await kubectl('cordon')).code).toBe(1);
  });
});

describe('a cluster that fails', () => {
  it('for a moment is not left', async () => {
    const uid = await uidIn('c', 'old', 'kept');
    await agent('c').kill('SIGSTOP');
    await becomes('c', 'Unknown');
    await agent('c').kill('SIGCONT');
    await becomes('c', 'True');
    await eventually(async () => expect((await managedCluster('c')).spec.taints ?? []).toEqual([]));
    expect(await boundTo('old')).toEqual(['a', 'b', 'c']);
    expect(await uidIn('c', 'old', 'kept')).toBe(uid);
  });

  it('for good is left after its time, by all but what tolerates it, and cleaned and filled again when it returns', async () => {
    await publisher.subscribe('loyal', await publisher.feed(namespace('loyal'), configMap('loyal', 'm', { a: 'b' })), real);
    await parent.resource(resources.subscriptions).patch(
      { name: 'loyal', namespace: 'default' },
      // On its way back, a cluster whose API server is still starting is not ready for a moment.
      { spec: { clusterTolerations: [taints.unreachable, taints.notReady].map((key) => ({ key, operator: 'Exists' })) } },
      { type: 'merge' },
    );
    await eventually(async () => expect(await uidIn('a', 'loyal', 'm')).toBeDefined());
    const uid = await uidIn('a', 'loyal', 'm');
    const old = await uidIn('a', 'old', 'kept');
    await server('a').kill();
    await becomes('a', 'Unknown');
    await eventually(async () => expect(await boundTo('old')).toEqual(['b', 'c']));
    expect(effectsOf(await managedCluster('a'))).toContain(`${taints.unreachable}:NoExecute`);
    expect(await boundTo('loyal')).toEqual(['a', 'b', 'c']);
    // What leaves while nobody can reach the cluster is not forgotten.
    await publisher.unsubscribe('new');
    await server('a').restart();
    await becomes('a', 'True');
    await eventually(async () => {
      expect(await uidIn('a', 'new', 'm')).toBeUndefined();
      const now = await uidIn('a', 'old', 'kept');
      expect(now).toBeDefined();
      expect(now).not.toBe(old);
      expect(await boundTo('old')).toEqual(['a', 'b', 'c']);
    });
    expect(await uidIn('a', 'loyal', 'm')).toBe(uid);
    await eventually(async () => expect((await managedCluster('a')).spec.taints ?? []).toEqual([]));
  });
});

describe('ten clusters that fail at once', () => {
  it('are taken for a fault of the network: nothing moves, and the parent writes little', async () => {
    const api = parent.resource<ManagedCluster>(resources.managedClusters);
    const count = 10;
    const ref = (n: number) => ({ name: `fake-${n}`, namespace: `fake-${n}` });
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const audit = new AuditLog(system.auditLogPath);
    await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const { name } = ref(n);
        await parent.resource<KubeObject>(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
        await api.create({
          apiVersion: 'clusters.clusternet.io/v1beta1',
          kind: 'ManagedCluster',
          metadata: { ...ref(n), labels: { fake: 'yes' } },
          spec: { clusterId: `00000000-0000-4000-8000-00000000000${n}`, syncMode: 'Pull' },
        });
      }),
    );
    await publisher.subscribe('faked', await publisher.feed(namespace('faked')), { matchLabels: { fake: 'yes' } });
    await eventually(async () => expect(await boundTo('faked')).toHaveLength(count));
    await audit.mark();
    const ready = { type: 'Ready', status: 'True', reason: 'ManagedClusterReady', message: '', lastTransitionTime: now };
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        api.apply(
          {
            apiVersion: 'clusters.clusternet.io/v1beta1',
            kind: 'ManagedCluster',
            metadata: ref(n),
            status: {
              lastObservedTime: now,
              heartbeatFrequencySeconds: 1,
              healthz: true,
              livez: true,
              readyz: true,
              conditions: [ready],
            },
          } as ManagedCluster,
          { fieldManager: 'clusternet-agent', force: true, subresource: 'status' },
        ),
      ),
    );
    for (let n = 0; n < count; n++) await becomes(`fake-${n}`, 'Unknown');
    const held = async () => {
      const { items } = await parent.resource<KubeObject & { reason?: string }>(core.events).list();
      return new Set(
        items.filter(({ reason }) => reason === 'FailoverHeld').map((e) => (e['involvedObject'] as { name: string }).name),
      );
    };
    await eventually(async () => expect((await held()).size).toBe(count));
    await throughout(3, async () => expect(await boundTo('faked')).toHaveLength(count));
    expect(await boundTo('old')).toEqual(['a', 'b', 'c']);
    const ofThem = await audit.writes((namespace) => namespace?.startsWith('fake-') === true);
    const written = [...ofThem].filter(([what]) => what.includes('managedclusters'));
    // Per cluster: that it is unknown, and its taint.
    const total = written.reduce((sum, [, times]) => sum + times, 0);
    process.stderr.write(`ten clusters failed: ${JSON.stringify([...ofThem])}\n`);
    expect(total).toBeGreaterThanOrEqual(2 * count);
    expect(total).toBeLessThanOrEqual(3 * count);
    await publisher.unsubscribe('faked');
    await Promise.all(Array.from({ length: count }, (_, n) => api.delete(ref(n))));
  });
});

describe('a cluster that is deleted while a rollout runs', () => {
  it('leaves nothing in the parent, keeps what runs there, and holds up nobody', async () => {
    const web = deployment('roll', 'web', 2);
    await publisher.subscribe(
      'roll',
      await publisher.feed(namespace('roll'), web, configMap('roll', 'm', { version: '1' })),
      real,
    );
    await eventually(async () => expect(await uidIn('c', 'roll', 'm')).toBeDefined());
    const { items } = await parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).list();
    const request = items.find(({ spec }) => spec.clusterName === 'c');
    await publisher.feed(configMap('roll', 'm', { version: '2' }));
    await parent.resource(resources.clusterRegistrationRequests).delete({ name: request?.metadata.name ?? '' });
    await eventually(async () => {
      const left = await parent.resource<ManagedCluster>(resources.managedClusters).list();
      expect(left.items.map(({ metadata }) => metadata.name)).not.toContain('c');
      expect(await boundTo('roll')).toEqual(['a', 'b']);
      for (const name of ['a', 'b'] as const) {
        const map = await child(name).resource<KubeObject>(core.configMaps).find({ name: 'm', namespace: 'roll' });
        expect(map?.['data']).toEqual({ version: '2' });
      }
      expect(conditionLine(await publisher.subscription('roll'), 'Deployed')).toMatch(/^True/);
    });
    expect(await uidIn('c', 'roll', 'm')).toBeDefined();
    const dedicated = request?.status?.dedicatedNamespace ?? '';
    await eventually(async () => expect(await parent.resource(core.namespaces).find({ name: dedicated })).toBeUndefined());
  });
});

describe('a cluster of Cluster API', () => {
  const definition = resourceDefinition('cluster.x-k8s.io/v1beta2', 'Cluster', 'clusters', true);
  const open = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: open,
    subresources: { status: {} },
  });
  const crd: KubeObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'clusters.cluster.x-k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a fixture' } },
    spec: {
      group: 'cluster.x-k8s.io',
      scope: 'Namespaced',
      names: { plural: 'clusters', singular: 'cluster', kind: 'Cluster', listKind: 'ClusterList', shortNames: ['cl'] },
      versions: [version('v1beta1', false), version('v1beta2', true)],
    },
  };
  const ref = { name: 'made', namespace: 'default' };

  const condition = async () => {
    const { status } = await parent.resource<KubeObject>(definition).get(ref);
    return conditionLine({ status } as Parameters<typeof conditionLine>[0], 'ClusternetRegistered');
  };
  /** As Cluster API does all the time. */
  const touch = () =>
    parent
      .resource(definition)
      .patch(ref, { metadata: { annotations: { touched: String(performance.now()) } } }, { type: 'merge' });
  const kubeconfig = async (text: string) => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'made-kubeconfig', namespace: 'default', labels: { 'cluster.x-k8s.io/cluster-name': 'made' } },
      type: 'cluster.x-k8s.io/secret',
      data: { value: Buffer.from(text).toString('base64') },
    };
    await parent.resource<KubeObject>(core.secrets).apply(secret, { fieldManager: 'e2e', force: true });
    await touch();
  };

  it('is registered by its own kubeconfig and initialised before anything else, follows that Secret, and is deregistered with its object', async () => {
    // It was a child in another way before.
    await agent('c').stop();
    await uninstallChart({ cluster: server('c'), release: 'clusternet-agent', namespace: 'clusternet-system' });
    await using charts = await ChartRepository.start({ helm: system.parent.binaries.helm });
    await charts.publishFolder(chartFolder('agent'));
    await parent.resource<KubeObject>(core.customResourceDefinitions).create(crd);
    await eventually(() => parent.resource(definition).list());
    await installChart({
      cluster: system.parent,
      chartDir: chartFolder('hub'),
      release: 'clusternet-hub',
      namespace: 'clusternet-system',
      values: {
        replicaCount: 1,
        ...hubValues,
        sockets: { peerPort: 0 },
        helm: { allow: ['127.0.0.1'] },
        featureGates: { ...hubValues.featureGates, ClusterInit: true },
        clusterAPI: {
          namespaces: ['default'],
          parentURL: system.parent.server,
          agent: { repo: charts.url, values: { ...agentValues, replicaCount: 1, crds: { enabled: false } } },
        },
      },
    });
    const hub = system.services.find(({ name }) => name === 'clusternet-hub')?.process;
    await hub?.restart();
    const made = await parent
      .resource<KubeObject>(definition)
      .create({ apiVersion: 'cluster.x-k8s.io/v1beta2', kind: 'Cluster', metadata: ref, spec: {} });
    await parent.resource(definition).patch(ref, { status: { phase: 'Provisioned' } }, { type: 'merge', subresource: 'status' });
    await parent.resource(resources.subscriptions).create({
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Subscription',
      metadata: {
        name: 'init',
        namespace: 'default',
        annotations: { 'apps.clusternet.io/is-default-cluster-init': 'true' },
      },
      spec: {
        subscribers: [{ clusterAffinity: real }],
        clusterTolerations: [{ key: taints.initialization, operator: 'Exists' }],
        feeds: await publisher.feed(namespace('init'), configMap('init', 'm', { a: 'b' })),
      },
    });
    await eventually(async () => expect(await condition()).toMatch(/^False KubeconfigMissing: .*made-kubeconfig/));
    await kubeconfig('current-context: none');
    await eventually(async () => expect(await condition()).toMatch(/^False KubeconfigInvalid: .*names nothing in contexts/));
    await kubeconfig(await readFile(server('c').kubeconfigPath, 'utf8'));
    await eventually(async () => expect(await condition()).toMatch(/^False WaitingForAgent:/));

    const taintsSeen = new Set<string>();
    const watching = new AbortController();
    void (async () => {
      const clusters = parent.resource<ManagedCluster>(resources.managedClusters);
      for await (const { object } of clusters.watch({ signal: watching.signal })) {
        if (object.metadata.name === 'made') for (const effect of effectsOf(object)) taintsSeen.add(effect);
      }
    })().catch(() => undefined);
    const started = await startWorkload({
      cluster: server('c'),
      namespace: 'clusternet-system',
      deployment: 'clusternet-agent',
      entrypoints: {
        'clusternet/clusternet-agent': fileURLToPath(new URL('../../packages/agent/dist/main.js', import.meta.url)),
      },
    });
    try {
      await becomes('made', 'True');
      await eventually(async () => expect(await condition()).toMatch(/^True Registered: .*ManagedCluster .*\/made/));
      const cluster = await managedCluster('made');
      expect(cluster.spec).toMatchObject({ clusterId: made.metadata.uid, syncMode: 'Dual' });
      expect(cluster.metadata.labels).toMatchObject({ 'cluster.x-k8s.io/cluster-name': 'made' });
      await eventually(async () => {
        const { status, spec } = await managedCluster('made');
        const init = status?.conditions?.find(({ type }) => type === 'ClusterInit');
        expect(init).toMatchObject({ status: 'True', reason: 'ClusterInitDone' });
        expect(spec.taints ?? []).toEqual([]);
        expect(await boundTo('old')).toContain('made');
      });
      watching.abort();
      expect([...taintsSeen]).toContain(`${taints.initialization}:NoSchedule`);
      expect(await uidIn('c', 'init', 'm')).toBeDefined();

      const { server: address, caPem } = server('c');
      await kubeconfig(kubeconfigYaml({ name: 'made', server: address, caPem, user: { token: 'nobody.knows.it' } }));
      await eventually(async () => expect(await condition()).toMatch(/^True KubeconfigRefused: /));
      await kubeconfig(await readFile(server('c').kubeconfigPath, 'utf8'));
      await eventually(async () => expect(await condition()).toMatch(/^True Registered/));

      await parent.resource(definition).delete(ref);
      await eventually(async () => {
        const { items } = await parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).list();
        expect(items.map(({ spec }) => spec.clusterName)).not.toContain('made');
        const left = await parent.resource<ManagedCluster>(resources.managedClusters).list();
        expect(left.items.map(({ metadata }) => metadata.name)).not.toContain('made');
      });
    } finally {
      await started.stop();
    }
  });
});

describe('the parent', () => {
  it('can be a child of its own', async () => {
    const token = await createBootstrapToken(system.parent.api);
    await installChart({
      cluster: system.parent,
      chartDir: chartFolder('agent'),
      release: 'clusternet-agent',
      namespace: 'clusternet-system',
      values: {
        replicaCount: 1,
        parentURL: system.parent.server,
        parentCA: system.parent.caPem,
        registrationToken: token,
        clusterName: 'self',
        syncMode: 'Pull',
        // The hub's chart has brought them.
        crds: { enabled: false },
        extraArgs: quickElection,
      },
    });
    const entrypoint = fileURLToPath(new URL('../../packages/agent/dist/main.js', import.meta.url));
    const self = await startWorkload({
      cluster: system.parent,
      namespace: 'clusternet-system',
      deployment: 'clusternet-agent',
      entrypoints: { 'clusternet/clusternet-agent': entrypoint },
    });
    try {
      await eventually(async () => expect(readyOf(await managedCluster('self'))?.status).toBe('True'));
      await eventually(async () => {
        const map = await parent.resource<KubeObject>(core.configMaps).find({ name: 'kept', namespace: 'old' });
        expect(map?.['data']).toEqual({ a: 'b' });
      });
    } finally {
      await self.stop();
    }
  });
});
