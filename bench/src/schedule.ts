// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * How fast Subscriptions are decided: in memory, with clusters that come and go, for 1,000 and 5,000 of them; and by the service on a real API
 * server, from a changed label to the binding.
 */
import { fileURLToPath } from 'node:url';
import { type ManagedCluster, resources, type Subscription } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { installChart, startClusters, startWorkload } from '@clusternet/localup';
import { type Bench, median, percentile, round } from './bench.ts';
import { inParallel } from './inParallel.ts';
import { processorMs, residentMegabytes } from './memory.ts';
import { Simulation, type Strategy } from './scheduleSimulation.ts';

const NAMESPACE = 'clusternet-system';
const SUBSCRIPTIONS = 100;
const CLUSTERS = 1_000;
/** Labels that are changed, one after the other. */
const ROUNDS = 20;
const repository = new URL('../../', import.meta.url);

export const bench: Bench = {
  name: 'schedule',
  summary: `${SUBSCRIPTIONS} Subscriptions on ${CLUSTERS} clusters`,
  async run(log) {
    const simulated = process.env['BENCH_SERVICE_ONLY'] ? undefined : await simulate(log);
    return { ...(simulated && { simulated }), ...(process.env['BENCH_SIMULATION_ONLY'] ? {} : { service: await serve(log) }) };
  },
};

async function simulate(log: (line: string) => void): Promise<Record<string, unknown>> {
  const figures: Record<string, unknown> = {};
  for (const clusters of [CLUSTERS, 5_000]) {
    for (const strategy of ['Replication', 'Static', 'Spread', 'Binpack'] satisfies Strategy[]) {
      const simulation = await Simulation.create({ strategy, clusters, subscriptions: SUBSCRIPTIONS });
      const result = await simulation.run({ rounds: clusters === CLUSTERS ? 5 : 2, changes: 3 });
      log(
        `${clusters} clusters, ${strategy}: ${round(result.perSecond)} decisions/s, heap ${Math.round(result.heapMegabytes)} MB, ` +
          `${result.moved} replicas moved where ${result.least} is the least`,
      );
      figures[`${strategy}${clusters}`] = {
        perSecond: round(result.perSecond),
        heapMegabytes: Math.round(result.heapMegabytes),
        moved: result.moved,
        least: result.least,
      };
    }
  }
  return figures;
}

/** The service as its chart runs it, with clusters that are objects and nothing more. */
async function serve(log: (line: string) => void): Promise<Record<string, unknown>> {
  await using clusters = await startClusters({ parent: true, children: 0, log });
  const { parent } = clusters;
  for (const release of ['clusternet-hub', 'clusternet-scheduler']) {
    const chartDir = fileURLToPath(new URL(`charts/${release}`, repository));
    await installChart({ cluster: parent, chartDir, release, namespace: NAMESPACE, values: { replicaCount: 1 } });
  }
  const client = await KubeClient.fromKubeConfig({ path: parent.kubeconfigPath, userAgent: 'clusternet-bench' });
  log(`making ${CLUSTERS} clusters and ${SUBSCRIPTIONS} Subscriptions`);
  const numbers = Array.from({ length: CLUSTERS }, (_, i) => i);
  await inParallel(numbers, 32, (i) => addCluster(client, i));
  await inParallel(numbers.slice(0, SUBSCRIPTIONS), 16, (i) => addSubscription(client, i));
  const entrypoint = fileURLToPath(new URL('packages/scheduler/dist/main.js', repository));
  const scheduler = await startWorkload({
    cluster: parent,
    namespace: NAMESPACE,
    deployment: 'clusternet-scheduler',
    entrypoints: { 'clusternet/clusternet-scheduler': entrypoint },
  });
  try {
    const start = performance.now();
    await scheduler.waitReady();
    await until(client, (all) => all.every(({ status }) => status?.bindingClusters?.length === CLUSTERS / 2));
    const first = performance.now() - start;
    log(`all ${SUBSCRIPTIONS} bound ${round(first / 1000)} s after the start`);
    const pid = scheduler.pid ?? 0;
    const startCpuMs = await processorMs(pid);
    const times: Relabelled[] = [];
    for (let i = 0; i < ROUNDS; i++) times.push(await relabel(client, i));
    const cpuMs = ((await processorMs(pid)) - startCpuMs) / ROUNDS;
    const all = times.map(({ allMs }) => allMs);
    const figures = {
      startToBoundSeconds: round(first / 1000),
      startCpuSeconds: round(startCpuMs / 1000),
      labelToFirstBindingMs: Math.round(median(times.map(({ firstMs }) => firstMs))),
      labelToAllBindingsMs: Math.round(median(all)),
      worstMs: Math.round(percentile(all, 100)),
      cpuMsPerLabel: Math.round(cpuMs),
      boundPerCpuSecond: Math.round(SUBSCRIPTIONS / (cpuMs / 1000)),
      megabytes: await residentMegabytes(pid),
    };
    log(
      `from a label to the first binding: median ${figures.labelToFirstBindingMs} ms; to all ${SUBSCRIPTIONS}: median ` +
        `${figures.labelToAllBindingsMs} ms, worst ${figures.worstMs} ms; the scheduler took ${figures.cpuMsPerLabel} ms of processor time for each label`,
    );
    return figures;
  } finally {
    await scheduler.stop();
    await client.close();
  }
}

interface Relabelled {
  firstMs: number;
  allMs: number;
}

/** Half of the clusters are selected at first; a label brings one more in. Resolves when every Subscription has it. */
async function relabel(client: KubeClient, i: number): Promise<Relabelled> {
  const name = `c${CLUSTERS / 2 + i}`;
  const start = performance.now();
  await client
    .resource<ManagedCluster>(resources.managedClusters)
    .patch({ name, namespace: name }, { metadata: { labels: { fleet: 'yes' } } }, { type: 'merge' });
  const key = `${name}/${name}`;
  const bound = new Set<string>();
  let firstMs = 0;
  // Each Subscription is looked at until it has the cluster: the bench must not be what takes the time.
  await until(client, (all) => {
    for (const { metadata, status } of all) {
      if (!bound.has(metadata.name) && status?.bindingClusters?.includes(key)) bound.add(metadata.name);
    }
    if (bound.size > 0 && firstMs === 0) firstMs = performance.now() - start;
    return bound.size === all.length;
  });
  return { firstMs, allMs: performance.now() - start };
}

/** Watches the Subscriptions until all of them are as asked for. */
async function until(client: KubeClient, holds: (all: Subscription[]) => boolean): Promise<void> {
  const subscriptions = client.resource<Subscription>(resources.subscriptions);
  const { items, metadata } = await subscriptions.list({ namespace: 'default' });
  const all = new Map(items.map((item) => [item.metadata.name, item]));
  const done = new AbortController();
  if (holds([...all.values()])) return;
  const { resourceVersion } = metadata;
  for await (const { type, object } of subscriptions.watch({ namespace: 'default', resourceVersion, signal: done.signal })) {
    if (type !== 'MODIFIED' && type !== 'ADDED') continue;
    all.set(object.metadata.name, object);
    if (!holds([...all.values()])) continue;
    done.abort();
    return;
  }
}

async function addCluster(client: KubeClient, i: number): Promise<void> {
  const name = `c${i}`;
  await client.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await client.resource<ManagedCluster>(resources.managedClusters).create({
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name, namespace: name, labels: { fleet: i < CLUSTERS / 2 ? 'yes' : 'no' } },
    spec: { clusterId: `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`, syncMode: 'Pull' },
  });
}

async function addSubscription(client: KubeClient, i: number): Promise<void> {
  await client.resource<Subscription>(resources.subscriptions).create({
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name: `app${i}`, namespace: 'default' },
    spec: {
      subscribers: [{ clusterAffinity: { matchLabels: { fleet: 'yes' } } }],
      feeds: [{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: `app${i}` }],
    },
  });
}
