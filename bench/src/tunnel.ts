// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * A child's API server straight and through the parent (its API server, the hub, the tunnel, the agent), with the same requests in turns, beside
 * the parent's API server and the hub alone; then what a thousand idle tunnels cost the hub, and how fast they are back after it was killed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ManagedCluster, resources } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { type Cluster, startSystem, type System } from '@clusternet/localup';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { adminToken } from './adminToken.ts';
import { type Bench, median, percentile, round } from './bench.ts';
import { Fleet } from './fleet.ts';
import { idleTlsKilobytes } from './idleTls.ts';
import { inParallel } from './inParallel.ts';
import { residentMegabytes } from './memory.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 10);
const latencyRequests = 100;
const throughputRequests = 500;
const inFlight = 32;
const listObjects = 20;
const execs = 10;
const idleTunnels = Number(process.env['BENCH_TUNNELS'] ?? 1000);
/** Until what was written about the clusters has come back to the hub, and its garbage is gone. */
const settleMs = 30_000;

const smallObject = '/api/v1/namespaces/default/configmaps/small';

/** One way to the child's API server, or a part of it. */
interface Way {
  name: 'straight' | 'aggregated' | 'tunnelled';
  pool: Pool;
  /** Path of a small object; bulk and execs are for those ways only that lead to a child. */
  small: string;
  prefix: string;
  headers: Record<string, string>;
  caPem: string;
  server: string;
}

interface Figures {
  latenciesMs: number[];
  requestsPerSecond: number[];
  oneListMBps: number[];
  sixListsMBps: number[];
  execMs: number[];
}

export const bench: Bench = {
  name: 'tunnel',
  summary: `a child straight and through the tunnel, ${rounds} rounds in turns; then ${idleTunnels} idle tunnels`,
  async run(log) {
    const features = { featureGates: { SocketConnection: true } };
    await using system = await startSystem({
      children: [{ name: 'child', nodes: 1, kubelet: [clusterExec], syncMode: 'Pull' }],
      values: { hub: features, agent: features },
      log,
    });
    const compared = await compare(system, log);
    return { ...compared, idle: await idle(system, log) };
  },
};

/** Commands of pods run on this machine. */
const clusterExec = {
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'ClusterExec',
  metadata: { name: 'clusterexec' },
  spec: { execs: [{ local: {} }] },
};

async function compare(system: System, log: (line: string) => void): Promise<Record<string, unknown>> {
  const [child] = system.children;
  if (child === undefined) throw new Error('the child was not started');
  await using parentAdmin = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  await using childAdmin = await KubeClient.fromKubeConfig({ path: child.kubeconfigPath });
  await fill(childAdmin);
  const [cluster] = (await parentAdmin.resource<ManagedCluster>(resources.managedClusters).list()).items;
  const childToken = `Bearer ${await adminToken(childAdmin)}`;
  const sockets = '/apis/proxies.clusternet.io/v1alpha1/sockets';
  const headers = { authorization: `Bearer ${await adminToken(parentAdmin)}`, 'clusternet-authorization': childToken };
  const ways: Way[] = [
    way('straight', child, '', { authorization: childToken }),
    way('tunnelled', system.parent, `${sockets}/${cluster?.spec?.clusterId ?? ''}/proxy/direct`, headers),
    // The parent's API server asks the hub, which answers out of its memory: no tunnel behind it can be faster.
    { ...way('aggregated', system.parent, sockets, headers), small: '' },
  ];
  const figures = new Map(ways.map((one) => [one.name, empty()]));
  for (const one of ways) await measure(one, empty());
  for (let n = 0; n < rounds; n++) {
    for (const one of n % 2 === 0 ? ways : ways.toReversed()) await measure(one, figures.get(one.name) ?? empty());
  }
  await Promise.all(ways.map(({ pool }) => pool.close()));
  const summaries = Object.fromEntries([...figures].map(([name, measured]) => [name, summary(measured)]));
  for (const [name, f] of Object.entries(summaries)) {
    const bulk = `; one list ${f.oneListMBps} MB/s, six ${f.sixListsMBps} MB/s; first byte of an exec ${f.execMs} ms`;
    const rest = name === 'aggregated' ? '' : bulk;
    log(`${name}: GET p50 ${f.p50Ms} ms, p99 ${f.p99Ms} ms; ${f.requestsPerSecond} requests/s at ${inFlight} in flight${rest}`);
  }
  const [straight, tunnelled] = [figures.get('straight') ?? empty(), figures.get('tunnelled') ?? empty()];
  const ratio = (of: (f: Figures) => number): number => round(of(tunnelled) / of(straight));
  const ratios = {
    p50: ratio((f) => median(f.latenciesMs)),
    p99: ratio((f) => percentile(f.latenciesMs, 99)),
    requestsPerSecond: ratio((f) => median(f.requestsPerSecond)),
    oneList: ratio((f) => median(f.oneListMBps)),
    sixLists: ratio((f) => median(f.sixListsMBps)),
    exec: ratio((f) => median(f.execMs)),
  };
  log(
    `tunnelled against straight: p50 ${ratios.p50}x (goal: at most 2), requests/s ${ratios.requestsPerSecond}x (at least 0.5), ` +
      `bulk ${ratios.oneList}x and ${ratios.sixLists}x (at least 0.5)`,
  );
  return { ...summaries, ratios };
}

function way(name: Way['name'], { server, caPem }: Cluster, prefix: string, headers: Record<string, string>): Way {
  const pool = new Pool(server, { connections: 64, allowH2: false, keepAliveTimeout: 60_000, connect: { ca: caPem } });
  return { name, pool, small: smallObject, prefix, headers, caPem, server };
}

function empty(): Figures {
  return { latenciesMs: [], requestsPerSecond: [], oneListMBps: [], sixListsMBps: [], execMs: [] };
}

function summary(f: Figures) {
  return {
    p50Ms: round(median(f.latenciesMs)),
    p99Ms: round(percentile(f.latenciesMs, 99)),
    requestsPerSecond: round(median(f.requestsPerSecond)),
    oneListMBps: round(median(f.oneListMBps)),
    sixListsMBps: round(median(f.sixListsMBps)),
    execMs: round(median(f.execMs)),
  };
}

/** A small ConfigMap, a namespace whose ConfigMaps make a list of 20 MB, and a pod. */
async function fill(child: KubeClient): Promise<void> {
  const configMap = (namespace: string, name: string, bytes: number) =>
    child.resource(core.configMaps).create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { text: 'x'.repeat(bytes) },
    });
  await configMap('default', 'small', 1000);
  await child.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bulk' } });
  await inParallel(
    Array.from({ length: listObjects }, (_, i) => `large-${i}`),
    4,
    (name) => configMap('bulk', name, 1_000_000),
  );
  await child.resource(core.pods).create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shell', namespace: 'default' },
    spec: { nodeName: 'child-node-1', containers: [{ name: 'shell', image: 'none' }] },
  });
  for (;;) {
    const pod = await child.resource(core.pods).get({ name: 'shell', namespace: 'default' });
    if ((pod['status'] as { phase?: string } | undefined)?.phase === 'Running') return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

async function measure(one: Way, into: Figures): Promise<void> {
  for (let i = 0; i < latencyRequests; i++) into.latenciesMs.push(await timed(() => get(one, one.small)));
  const requests = Array.from({ length: throughputRequests }, (_, i) => i);
  const loadMs = await timed(() => inParallel(requests, inFlight, () => get(one, one.small)));
  into.requestsPerSecond.push((throughputRequests * 1000) / loadMs);
  if (one.small !== smallObject) return;
  const list = '/api/v1/namespaces/bulk/configmaps';
  for (const [count, rates] of [
    [1, into.oneListMBps],
    [6, into.sixListsMBps],
  ] as const) {
    let bytes = 0;
    const ms = await timed(async () => {
      for (const size of await Promise.all(Array.from({ length: count }, () => get(one, list)))) bytes += size;
    });
    rates.push(bytes / 1000 / ms);
  }
  for (let i = 0; i < execs; i++) into.execMs.push(await firstByte(one));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Reads an answer to its end; resolves to its size in bytes. */
async function get({ pool, prefix, headers }: Way, path: string): Promise<number> {
  const answer = await pool.request({ method: 'GET', path: `${prefix}${path}`, headers });
  if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${await answer.body.text()}`);
  let bytes = 0;
  for await (const chunk of answer.body) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Milliseconds from the request of an exec until its first output. */
async function firstByte({ server, prefix, headers, caPem }: Way): Promise<number> {
  // It outlives its output: kwok may lose what a command says last.
  const query = 'command=sh&command=-c&command=echo+hello%3Bsleep+1&stdout=true&container=shell';
  const url = `${server.replace(/^http/, 'ws')}${prefix}/api/v1/namespaces/default/pods/shell/exec?${query}`;
  const start = performance.now();
  const socket = new WebSocket(url, 'v5.channel.k8s.io', { headers, ca: caPem });
  await new Promise<void>((resolve, reject) => {
    // Byte 0 is the channel: 1 is the output. An empty first message only opens it.
    let said = '';
    socket.on('message', (message: Buffer) => {
      said += message.subarray(1).toString();
      if (message[0] === 1 && message.length > 1) resolve();
    });
    socket.on('close', () => reject(new Error(`the exec ended without output: ${said}`)));
    socket.on('error', reject);
  });
  const ms = performance.now() - start;
  socket.terminate();
  return ms;
}

async function idle(system: System, log: (line: string) => void): Promise<Record<string, unknown>> {
  const hub = system.services.find(({ name }) => name === 'clusternet-hub')?.process;
  if (hub === undefined) throw new Error('the hub was not started');
  await using admin = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath, qps: 1000, burst: 1000 });
  await using fleet = await Fleet.prepare(admin, system.parent, idleTunnels);
  log(`${idleTunnels} clusters are known to the parent`);
  await delay(settleMs);
  const before = await residentMegabytes(hub.pid);
  const connectSeconds = (await timed(() => fleet.connect())) / 1000;
  await delay(settleMs);
  const after = await residentMegabytes(hub.pid);
  const kilobytesPerTunnel = ((after - before) * 1024) / idleTunnels;
  const kilobytesPerConnection = await idleTlsKilobytes(idleTunnels);
  const seats = await fleet.seats();
  log(
    `connected in ${round(connectSeconds)} s; the hub grew from ${before} to ${after} MB, ${round(kilobytesPerTunnel)} KB per tunnel (goal: 60; ` +
      `a bare TLS connection takes ${round(kilobytesPerConnection)}); ` +
      `${seats} of the parent's request seats are taken`,
  );
  const back = fleet.returned();
  const start = performance.now();
  await hub.kill('SIGKILL');
  await hub.restart();
  const times = (await back).map((at) => (at - start) / 1000);
  const result = {
    tunnels: idleTunnels,
    connectSeconds: round(connectSeconds),
    kilobytesPerTunnel: round(kilobytesPerTunnel),
    kilobytesPerConnection: round(kilobytesPerConnection),
    hubMegabytes: { before, after },
    seats,
    backSeconds: { half: round(median(times)), all: round(Math.max(...times)) },
  };
  log(`after the hub was killed: half are back in ${result.backSeconds.half} s, all in ${result.backSeconds.all} s (goal: 15)`);
  return result;
}
