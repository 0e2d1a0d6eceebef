// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { core, KubeClient } from '@clusternet/client';
import { startClusters } from '@clusternet/localup';
import { Pool } from 'undici';
import { adminToken } from './adminToken.ts';
import { type Bench, median, percentile, round } from './bench.ts';

const latencyRequests = 100;
const throughputRequests = 600;
const inFlight = 32;
// Many short rounds instead of few long ones: what else the machine does then falls on both sides alike.
const rounds = 30;
const path = '/api/v1/namespaces/default/configmaps/bench';

/** One way to get the object. */
type Get = () => Promise<unknown>;

interface Figures {
  latenciesMs: number[];
  requestsPerSecond: number;
  /** Processor time of this process for one request under load: hardly touched by what else runs. */
  cpuMicros: number;
}

/** What our client adds to bare undici: both get one object of one real API server over TLS, in turns. */
export const bench: Bench = {
  name: 'client',
  summary: `GET of one object: @clusternet/client against bare undici, one after the other and ${inFlight} in flight`,
  async run(log) {
    await using clusters = await startClusters({ parent: true, children: 0, log });
    const { kubeconfigPath, server, caPem } = clusters.parent;
    await using admin = await KubeClient.fromKubeConfig({ path: kubeconfigPath });
    const data = { text: 'x'.repeat(1000) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bench', namespace: 'default' }, data };
    await admin.resource(core.configMaps).create(object);
    // Both sides authenticate in the same way.
    const token = await adminToken(admin);
    await using client = KubeClient.fromOptions({ server, caPem, token });
    const configMaps = client.resource(core.configMaps);
    const pool = new Pool(server, { connections: 64, allowH2: false, keepAliveTimeout: 60_000, connect: { ca: caPem } });
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'bench' };
    const bare = async (): Promise<unknown> => (await pool.request({ method: 'GET', path, headers })).body.json();

    const ours: Figures[] = [];
    const theirs: Figures[] = [];
    const get = (): Promise<unknown> => configMaps.get({ name: 'bench', namespace: 'default' });
    await measure(get);
    await measure(bare);
    for (let round = 0; round < rounds; round++) {
      for (const ourTurn of round % 2 === 0 ? [true, false] : [false, true])
        (ourTurn ? ours : theirs).push(await measure(ourTurn ? get : bare));
    }
    await pool.close();

    const result = {
      client: summary(ours),
      undici: summary(theirs),
      latencyRatio: ratio(ours, theirs, (f) => median(f.latenciesMs)),
      loadRatio: ratio(ours, theirs, (f) => 1 / f.requestsPerSecond),
      cpuRatio: ratio(ours, theirs, (f) => f.cpuMicros),
    };
    for (const name of ['client', 'undici'] as const) {
      const f = result[name];
      log(
        `${name}  p50 ${f.p50Ms} ms  p99 ${f.p99Ms} ms  ${f.requestsPerSecond} requests/s at ${inFlight} in flight  ${f.cpuMicros} us of processor each`,
      );
    }
    log('client against undici, median of the paired rounds and its middle half (goal: at most 1.3):');
    for (const name of ['latencyRatio', 'loadRatio', 'cpuRatio'] as const) {
      const { median: m, from, to } = result[name];
      log(`  ${name} ${m} (${from} to ${to})`);
    }
    return result;
  },
};

async function measure(get: Get): Promise<Figures> {
  const latencies: number[] = [];
  for (let i = 0; i < latencyRequests; i++) {
    const started = performance.now();
    await get();
    latencies.push(performance.now() - started);
  }
  let left = throughputRequests;
  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await get();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    latenciesMs: latencies,
    requestsPerSecond: throughputRequests / seconds,
    cpuMicros: (user + system) / throughputRequests,
  };
}

function summary(figures: Figures[]): { p50Ms: number; p99Ms: number; requestsPerSecond: number; cpuMicros: number } {
  const latencies = figures.flatMap((f) => f.latenciesMs);
  return {
    p50Ms: round(percentile(latencies, 50)),
    p99Ms: round(percentile(latencies, 99)),
    requestsPerSecond: round(median(figures.map((f) => f.requestsPerSecond))),
    cpuMicros: round(median(figures.map((f) => f.cpuMicros))),
  };
}

/** How one figure compares, round by round; the middle half tells how far the median can be trusted. */
function ratio(ours: Figures[], theirs: Figures[], of: (f: Figures) => number): { median: number; from: number; to: number } {
  const ratios = ours.map((f, i) => of(f) / of(theirs[i] ?? f));
  return { median: round(median(ratios)), from: round(percentile(ratios, 25)), to: round(percentile(ratios, 75)) };
}
