// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * The same requests for ConfigMaps to the real API and to the shadow one, in turns; then what many watches of many templates cost the hub.
 */
import { type KubeObject, labels as labelKeys, type Manifest, names as wellKnown } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { Pool } from 'undici';
import { adminToken } from './adminToken.ts';
import { type Bench, median, percentile, round } from './bench.ts';
import { inParallel } from './inParallel.ts';
import { residentMegabytes } from './memory.ts';

const objects = Number(process.env['BENCH_OBJECTS'] ?? 2000);
const turns = 4;
const inFlight = 16;
const alone = 200;
const lists = 20;
const watchedObjects = Number(process.env['BENCH_WATCHED'] ?? 10_000);
const watchers = 50;
/** The hub remembers 4,000 changes; what comes after must not cost memory. */
const changeRounds = 5;
/** Templates have namespaces of their own: one whose name is taken by a live object costs another dry run. */
const namespaces = { real: 'live', shadow: 'templates', parts: 'parts' };
const merge = 'application/merge-patch+json';
const manifests = `/apis/apps.clusternet.io/v1alpha1/namespaces/${wellKnown.reservedNamespace}/manifests`;
/** Whose name the dry runs of {@link partsOfCreate} are made in. */
const user = 'system:serviceaccount:default:bench';

/** One of the two APIs. */
interface Api {
  name: 'real' | 'shadow';
  collection: string;
}

type Action = 'create' | 'get' | 'list' | 'patch';

interface Figures {
  /** Milliseconds of each request while others are under way. */
  ms: number[];
  /** Milliseconds of each request alone. */
  aloneMs: number[];
  seconds: number;
  requests: number;
}

const apis: Api[] = [
  { name: 'real', collection: `/api/v1/namespaces/${namespaces.real}/configmaps` },
  { name: 'shadow', collection: `/apis/shadow/v1alpha1/namespaces/${namespaces.shadow}/configmaps` },
];

export const bench: Bench = {
  name: 'shadow',
  summary: `${objects} ConfigMaps, real and shadow in turns, ${inFlight} requests in flight; then ${watchers} watches of ${watchedObjects} templates`,
  async run(log) {
    await using system = await startSystem({ children: [], values: { hub: { featureGates: { ShadowAPI: true } } }, log });
    await using admin = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
    for (const name of Object.values(namespaces)) {
      await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    const client = new Client(system, await adminToken(admin));
    await served(client);
    const compared = await compare(client, log);
    const watched = await watchMany(system, client, log);
    await client.close();
    return { ...compared, watched };
  },
};

/** Requests to the parent with one token. */
class Client {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;

  constructor({ parent: { server, caPem } }: System, token: string) {
    // Go's clients ask for compressed answers too, and get them for long lists.
    this.#headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': 'application/json' };
    this.#pool = new Pool(server, { connections: inFlight, allowH2: false, bodyTimeout: 0, connect: { ca: caPem } });
  }

  async request(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    o: { body?: object; type?: string; as?: string } = {},
  ): Promise<string> {
    const headers = {
      ...this.#headers,
      ...(o.type !== undefined && { 'content-type': o.type }),
      ...(o.as !== undefined && { 'impersonate-user': o.as }),
    };
    const body = o.body && JSON.stringify(o.body);
    const answer = await this.#pool.request({ method, path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text;
  }

  /** A watch on a connection of its own; counts events until it is closed. */
  async watch(server: string, caPem: string, path: string): Promise<{ events: () => number; close: () => Promise<void> }> {
    const pool = new Pool(server, { connections: 1, allowH2: false, bodyTimeout: 0, connect: { ca: caPem } });
    const answer = await pool.request({ method: 'GET', path, headers: this.#headers });
    if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${await answer.body.text()}`);
    let events = 0;
    answer.body.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) events++;
    });
    answer.body.on('error', () => undefined);
    return { events: () => events, close: () => pool.destroy() };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** The shadow API shows its kinds a moment after the hub is ready. */
async function served(client: Client): Promise<void> {
  for (let left = 200; ; left--) {
    try {
      await client.request('GET', apis[1]?.collection ?? '');
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }
}

/**
 * Seconds that the two requests behind a create take by themselves, for so many objects: the dry run in somebody's name, and the write of a
 * Manifest as the hub writes it, which all who follow the Manifests get to see.
 */
async function partsOfCreate(client: Client, objectNames: readonly string[]): Promise<number> {
  const namespace = namespaces.parts;
  const model = JSON.parse(await client.request('GET', `${manifests}/configmaps.${namespaces.shadow}.warm-0`)) as Manifest;
  const ms = await timed(() =>
    inParallel(objectNames, inFlight, async (name) => {
      const path = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`;
      const object = JSON.parse(await client.request('POST', path, { body: configMap(name), as: user })) as KubeObject;
      const { labels, managedFields } = object.metadata;
      const template = { ...object, metadata: { name, namespace, labels, managedFields } };
      const own = { [labelKeys.configName]: name, [labelKeys.configNamespace]: namespace };
      const metadata = { name: `configmaps.${namespace}.${name}`, labels: { ...model.metadata.labels, ...own } };
      await client.request('POST', `${manifests}?fieldValidation=Ignore`, { body: { ...model, metadata, template } });
    }),
  );
  return ms / 1000;
}

async function compare(client: Client, log: (line: string) => void): Promise<Record<string, unknown>> {
  const figures = new Map<string, Figures>();
  const of = (api: Pick<Api, 'name'>, action: Action): Figures => {
    const key = `${api.name} ${action}`;
    const known = figures.get(key) ?? { ms: [], aloneMs: [], seconds: 0, requests: 0 };
    figures.set(key, known);
    return known;
  };
  const share = Math.ceil(objects / turns);
  let partsSeconds = 0;
  for (const api of apis) for (let n = 0; n < 200; n++) await act(client, api, 'create', `warm-${n}`);
  await partsOfCreate(
    client,
    Array.from({ length: 200 }, (_, n) => `warm-${n}`),
  );
  for (const action of ['create', 'get', 'list', 'patch'] as const) {
    const count = action === 'list' ? lists / turns : share;
    for (let turn = 0; turn < turns; turn++) {
      for (const api of turn % 2 === 0 ? apis : apis.toReversed()) {
        const names = Array.from({ length: count }, (_, n) => `bench-${turn * share + n}`);
        await measure(names, action === 'list' ? 1 : inFlight, of(api, action), (name) => act(client, api, action, name));
        if (action === 'list') continue;
        for (let n = 0; n < alone / turns; n++) {
          const name = action === 'create' ? `alone-${turn}-${n}` : `bench-${turn * share + n}`;
          of(api, action).aloneMs.push(await timed(() => act(client, api, action, name, 'alone')));
        }
      }
      if (action === 'create') {
        // In turns too: what runs later finds everything warm.
        const names = Array.from({ length: count }, (_, n) => `bench-${turn * share + n}`);
        partsSeconds += await partsOfCreate(client, names);
      }
    }
  }
  const result: Record<string, unknown> = {};
  for (const action of ['create', 'get', 'list', 'patch'] as const) {
    const [real, shadow] = apis.map((api) => of(api, action));
    if (!real || !shadow) throw new Error('both APIs are measured');
    const ratio = round(shadow.seconds / real.seconds);
    const [a, b] = [summary(real), summary(shadow)];
    const aloneRatio = action === 'list' ? undefined : round(median(shadow.aloneMs) / median(real.aloneMs));
    const goal = action === 'create' || action === 'patch' ? 3 : 1.5;
    log(
      `${action}: shadow takes ${ratio}x the time (goal: ${goal}): real ${a.perSecond}/s, p50 ${a.p50Ms} ms, p99 ${a.p99Ms} ms; ` +
        `shadow ${b.perSecond}/s, p50 ${b.p50Ms} ms, p99 ${b.p99Ms} ms` +
        (aloneRatio === undefined ? '' : `; alone ${aloneRatio}x: ${a.aloneMs} and ${b.aloneMs} ms`),
    );
    result[action] = { ratio, aloneRatio, goal, real: a, shadow: b };
  }
  const [real, get] = [of({ name: 'real' }, 'create'), of({ name: 'shadow' }, 'get')];
  const parts = round((partsSeconds + get.seconds) / real.seconds);
  log(`create: its dry run, the write of a Manifest and the way to the hub and back take ${parts}x by themselves`);
  return { ...result, parts };
}

function act(client: Client, { collection }: Api, action: Action, name: string, value = 'changed'): Promise<string> {
  switch (action) {
    case 'create':
      return client.request('POST', collection, { body: configMap(name) });
    case 'get':
      return client.request('GET', `${collection}/${name}`);
    case 'list':
      return client.request('GET', collection);
    case 'patch':
      return client.request('PATCH', `${collection}/${name}`, { body: { data: { value } }, type: merge });
  }
}

function configMap(name: string): object {
  const data = { value: 'first', text: 'x'.repeat(200) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data };
}

async function measure(
  names: readonly string[],
  width: number,
  into: Figures,
  task: (name: string) => Promise<unknown>,
): Promise<void> {
  const ms = await timed(() =>
    inParallel(names, width, async (name) => {
      into.ms.push(await timed(() => task(name)));
    }),
  );
  into.seconds += ms / 1000;
  into.requests += names.length;
}

function summary({ ms, aloneMs, seconds, requests }: Figures) {
  return {
    perSecond: round(requests / seconds),
    p50Ms: round(median(ms)),
    p99Ms: round(percentile(ms, 99)),
    ...(aloneMs.length > 0 && { aloneMs: round(median(aloneMs)) }),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** What the hub needs while many watch, and while what they watch changes. */
async function watchMany(system: System, client: Client, log: (line: string) => void): Promise<Record<string, unknown>> {
  const hub = system.services.find(({ name }) => name === 'clusternet-hub')?.process;
  const [, shadow] = apis;
  if (hub === undefined || shadow === undefined) throw new Error('the hub was not started');
  const { metadata, items } = JSON.parse(await client.request('GET', `${shadow.collection}?limit=1`)) as {
    metadata: { remainingItemCount?: number };
    items: unknown[];
  };
  const known = items.length + (metadata.remainingItemCount ?? 0);
  const more = Array.from({ length: Math.max(0, watchedObjects - known) }, (_, n) => `watched-${n}`);
  await inParallel(more, inFlight, (name) => act(client, shadow, 'create', name));
  const count = known + more.length;
  const before = await residentMegabytes(hub.pid);
  const { server, caPem } = system.parent;
  const path = `${shadow.collection}?watch=true&resourceVersion=0&timeoutSeconds=1800`;
  const start = performance.now();
  const watches = await Promise.all(Array.from({ length: watchers }, () => client.watch(server, caPem, path)));
  await until(() => watches.every(({ events }) => events() >= count));
  const openSeconds = round((performance.now() - start) / 1000);
  const megabytes = [await residentMegabytes(hub.pid)];
  let sent = count;
  const deliverySeconds: number[] = [];
  for (let turn = 0; turn < changeRounds; turn++) {
    const names = Array.from({ length: objects }, (_, n) => `bench-${n}`);
    const began = performance.now();
    await inParallel(names, inFlight, (name) => act(client, shadow, 'patch', name, `turn ${turn}`));
    sent += names.length;
    await until(() => watches.every(({ events }) => events() >= sent));
    deliverySeconds.push(round((performance.now() - began) / 1000));
    megabytes.push(await residentMegabytes(hub.pid));
  }
  await Promise.all(watches.map(({ close }) => close()));
  const result = { objects: count, watchers, openSeconds, megabytes: { before, then: megabytes }, deliverySeconds };
  log(
    `${watchers} watches of ${count} templates open in ${openSeconds} s; the hub: ${before} MB before, then ${megabytes.join(', ')} MB ` +
      `after each ${objects} changes to all, which took ${deliverySeconds.join(', ')} s`,
  );
  return result;
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resume) => setTimeout(resume, 50));
}
