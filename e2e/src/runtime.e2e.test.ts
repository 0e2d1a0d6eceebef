// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core, KubeClient, objectKey, type ResourceClient } from '@clusternet/client';
import { startClusters, type ClusterSet } from '@clusternet/localup';
import { EventRecorder, Informer, Metrics, retry, silentLogger } from '@clusternet/runtime';
import { CuttableProxy } from './testing/cuttableProxy.ts';
import { eventually } from './testing/eventually.ts';

let clusters: ClusterSet;
let client: KubeClient;
let folder: string;
let configMaps: ResourceClient<KubeObject>;
const closers: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  clusters = await startClusters({ parent: true, children: 0 });
  client = await KubeClient.fromKubeConfig({ path: clusters.parent.kubeconfigPath });
  configMaps = client.resource(core.configMaps);
  folder = await mkdtemp(join(tmpdir(), 'runtime-e2e-'));
  await makeNamespace('clusternet-system');
}, 1_200_000);

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

afterAll(async () => {
  await client?.close();
  await clusters?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
}, 120_000);

async function makeNamespace(name: string): Promise<void> {
  await client.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

const configMap = (namespace: string, name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name, labels: { color: data['color'] ?? 'none' } },
  data,
});

/** An informer of one namespace that also keeps what its changes alone tell. */
async function follow(namespace: string, through: KubeClient = client) {
  const metrics = new Metrics();
  const informer = new Informer<KubeObject>({
    client: through,
    resource: core.configMaps,
    namespace,
    // The root CA's ConfigMap comes to each namespace by itself.
    fieldSelector: 'metadata.name!=kube-root-ca.crt',
    indexers: { color: ({ metadata }) => [metadata.labels?.['color'] ?? 'none'] },
    logger: silentLogger,
    metrics,
    pageSize: 100,
  });
  const told = new Map<string, string | undefined>();
  const mistakes: string[] = [];
  informer.onChange(({ type, key, object }) => {
    if (told.has(key) === (type === 'added')) mistakes.push(`${type} ${key}`);
    if (type === 'deleted') told.delete(key);
    else told.set(key, object.metadata.resourceVersion);
  });
  closers.push(() => informer.close());
  informer.start();
  await informer.waitForSync(AbortSignal.timeout(120_000));
  const lists = async (): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric('clusternet_informer_lists_total')?.get();
    return metric?.values[0]?.value ?? 0;
  };
  return { informer, told, mistakes, lists };
}

type Followed = Awaited<ReturnType<typeof follow>>;

/** Waits until the informer, and what it told, are what a fresh list says. */
async function expectSameAsServer({ informer, told, mistakes }: Followed, namespace: string, seconds = 60): Promise<void> {
  await eventually(async () => {
    const { items } = await configMaps.list({ namespace, fieldSelector: 'metadata.name!=kube-root-ca.crt' });
    const truth = new Map(items.map((item) => [objectKey(item), item.metadata.resourceVersion]));
    const known = new Map(informer.list().map((item) => [objectKey(item), item.metadata.resourceVersion]));
    expect(new Map([...known].sort())).toEqual(new Map([...truth].sort()));
    expect(new Map([...told].sort())).toEqual(new Map([...truth].sort()));
    for (const color of ['red', 'green', 'blue']) {
      const expected = items.filter(({ metadata }) => metadata.labels?.['color'] === color).map((item) => objectKey(item));
      expect(
        informer
          .byIndex('color', color)
          .map((item) => objectKey(item))
          .sort(),
      ).toEqual(expected.sort());
    }
  }, seconds);
  expect(mistakes).toEqual([]);
}

/** Writes until told to stop, never minding an API server that is away. */
function churn(namespace: string, names: number): { done: Promise<unknown>; stop: () => void; writes: () => number } {
  let stopped = false;
  let writes = 0;
  const colors = ['red', 'green', 'blue'];
  const writer = async (): Promise<void> => {
    while (!stopped) {
      const name = `cm-${Math.floor(Math.random() * names)}`;
      const data = { color: colors[writes % 3] ?? 'red', n: String(writes) };
      const write = (): Promise<unknown> =>
        Math.random() < 0.3
          ? configMaps.delete({ namespace, name })
          : configMaps.apply(configMap(namespace, name, data), { fieldManager: 'churn', force: true });
      await retry(write, { initialMs: 100, maxMs: 500 });
      writes++;
    }
  };
  const done = Promise.all(Array.from({ length: 8 }, writer));
  return { done, stop: () => (stopped = true), writes: () => writes };
}

describe('informer', () => {
  it('equals a fresh list after a churn of 1000 objects through two restarts of the API server', async () => {
    const namespace = 'churn';
    await makeNamespace(namespace);
    for (let at = 0; at < 1000; at += 50) {
      const batch = Array.from({ length: 50 }, (_, index) => configMap(namespace, `cm-${at + index}`, { color: 'red' }));
      await Promise.all(batch.map((object) => configMaps.create(object)));
    }
    const followed = await follow(namespace);
    expect(followed.informer.list()).toHaveLength(1000);
    const { done, stop, writes } = churn(namespace, 1200);
    closers.push(stop);
    const goesOn = async (): Promise<void> => {
      const before = writes();
      await eventually(() => expect(writes()).toBeGreaterThan(before + 200));
    };
    await goesOn();
    await clusters.parent.restart();
    await goesOn();
    await clusters.parent.kill();
    await clusters.parent.restart();
    await goesOn();
    stop();
    await done;
    await expectSameAsServer(followed, namespace);
  });

  it('goes on where it was after a broken connection, without a list', async () => {
    const namespace = 'cut';
    await makeNamespace(namespace);
    await configMaps.create(configMap(namespace, 'before', { color: 'red' }));
    const { proxy, proxied } = await behindProxy();
    const followed = await follow(namespace, proxied);
    proxy.cut();
    await configMaps.create(configMap(namespace, 'meanwhile', { color: 'blue' }));
    await configMaps.delete({ namespace, name: 'before' });
    proxy.mend();
    await expectSameAsServer(followed, namespace);
    expect(await followed.lists()).toBe(1);
  });

  it('lists again when its version is gone, and tells exactly what happened meanwhile', async () => {
    const namespace = 'gone';
    await makeNamespace(namespace);
    for (const name of ['kept', 'changed', 'removed', 'remade'])
      await configMaps.create(configMap(namespace, name, { color: 'red' }));
    const { proxy, proxied } = await behindProxy();
    const followed = await follow(namespace, proxied);
    const changes: string[] = [];
    const uid = followed.informer.get(`${namespace}/remade`)?.metadata.uid;
    followed.informer.onChange(({ type, key }) => changes.push(`${type} ${key}`));
    changes.length = 0;
    proxy.cut();
    await configMaps.apply(configMap(namespace, 'changed', { color: 'blue' }), { fieldManager: 'e2e', force: true });
    await configMaps.delete({ namespace, name: 'removed' });
    await configMaps.delete({ namespace, name: 'remade' });
    await configMaps.create(configMap(namespace, 'remade', { color: 'red' }));
    await configMaps.create(configMap(namespace, 'new', { color: 'green' }));
    // A new API server knows nothing from before its start, so the version held here is too old for it.
    await clusters.parent.restart();
    proxy.mend();
    await expectSameAsServer(followed, namespace);
    expect(changes.sort()).toEqual([
      'added gone/new',
      'added gone/remade',
      'deleted gone/remade',
      'deleted gone/removed',
      'modified gone/changed',
    ]);
    expect(followed.informer.get(`${namespace}/remade`)?.metadata.uid).not.toBe(uid);
    expect(await followed.lists()).toBe(2);
  });

  it('lives through an API server that hangs and comes back', async () => {
    const namespace = 'hang';
    await makeNamespace(namespace);
    const followed = await follow(namespace);
    await clusters.parent.pause();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await clusters.parent.resume();
    await retry(() => configMaps.create(configMap(namespace, 'after', { color: 'green' })), { attempts: 20, maxMs: 1_000 });
    await expectSameAsServer(followed, namespace);
  });
});

async function behindProxy(): Promise<{ proxy: CuttableProxy; proxied: KubeClient }> {
  const proxy = await CuttableProxy.start(clusters.parent.server);
  closers.push(() => proxy.close());
  const path = join(folder, `proxied-${proxy.port}.kubeconfig`);
  await writeFile(path, clusters.parent.kubeconfig.replaceAll(clusters.parent.server, `https://127.0.0.1:${proxy.port}`), {
    mode: 0o600,
  });
  const proxied = await KubeClient.fromKubeConfig({ path });
  closers.push(() => proxied.close());
  return { proxy, proxied };
}

describe('events', () => {
  it('are written once and counted', async () => {
    await makeNamespace('events');
    const object = await configMaps.create(configMap('events', 'app'));
    const recorder = new EventRecorder({ client, component: 'e2e', logger: silentLogger });
    closers.push(() => recorder.close());
    for (let count = 0; count < 5; count++) recorder.event(object, { type: 'Warning', reason: 'Failed', message: 'it failed' });
    await recorder.flush();
    const { items } = await client
      .resource<KubeObject>(core.events)
      .list({ namespace: 'events', fieldSelector: 'involvedObject.name=app' });
    expect(items).toMatchObject([{ reason: 'Failed', type: 'Warning', count: 5, involvedObject: { uid: object.metadata.uid } }]);
  });
});

const candidateFile = fileURLToPath(new URL('../../packages/runtime/src/testing/electionCandidate.ts', import.meta.url));

type Candidate = ChildProcessByStdio<null, Readable, null> & { pid: number };

interface Act {
  pid: number;
  atMs: number;
}

class Election {
  readonly leaseMs: number;
  readonly #name: string;
  readonly #file: string;

  constructor(name: string, leaseMs = 6_000) {
    this.leaseMs = leaseMs;
    this.#name = name;
    this.#file = join(folder, `${name}.acts`);
  }

  /** A candidate that leads. */
  async leader(): Promise<Candidate> {
    const { candidate } = this.#stand();
    await this.firstAct(candidate.pid, 0);
    return candidate;
  }

  /** A candidate that has seen the lease of another: before that, it could not know how old it is. */
  async successor(): Promise<Candidate> {
    const { candidate, log } = this.#stand();
    await eventually(() => expect(log()).toContain('waiting for the leader'));
    return candidate;
  }

  #stand(): { candidate: Candidate; log: () => string } {
    const flags = {
      'act-file': this.#file,
      'secure-port': 0,
      kubeconfig: clusters.parent.kubeconfigPath,
      'leader-elect-resource-name': this.#name,
      'leader-elect-lease-duration': `${this.leaseMs}ms`,
      'leader-elect-renew-deadline': `${this.leaseMs * 0.75}ms`,
      'leader-elect-retry-period': '500ms',
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const candidate = spawn(process.execPath, ['--conditions=@clusternet/source', candidateFile, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    closers.push(async () => {
      if (candidate.exitCode !== null || candidate.signalCode !== null) return;
      candidate.kill('SIGKILL');
      await once(candidate, 'exit');
    });
    let log = '';
    candidate.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    return { candidate: candidate as Candidate, log: () => log };
  }

  async acts(): Promise<Act[]> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as Act);
  }

  /** Waits for a process to have acted since a moment; gives when it did first. */
  firstAct(pid: number, sinceMs: number): Promise<number> {
    return eventually(async () => {
      const act = (await this.acts()).find((one) => one.pid === pid && one.atMs >= sinceMs);
      if (!act) throw new Error(`${pid} has not acted`);
      return act.atMs;
    });
  }

  /** The pids in the order they acted, one entry per uninterrupted time of acting. */
  async terms(): Promise<number[]> {
    const pids = (await this.acts()).toSorted((a, b) => a.atMs - b.atMs).map(({ pid }) => pid);
    return pids.filter((pid, index) => pid !== pids[index - 1]);
  }
}

describe('election', () => {
  it('replaces a killed leader within the lease time', async () => {
    const election = new Election('killed');
    const first = await election.leader();
    const second = await election.successor();
    const killedMs = Date.now();
    first.kill('SIGKILL');
    const actedMs = await election.firstAct(second.pid, killedMs);
    // The lease runs from the last renewal as the second saw it, up to one period after it was made; the rest is for a busy machine.
    expect(actedMs - killedMs).toBeLessThan(2 * election.leaseMs);
    expect(await election.terms()).toEqual([first.pid, second.pid]);
  });

  it('lets a paused leader act no more once another has started, and stand again', async () => {
    const election = new Election('paused');
    const first = await election.leader();
    const second = await election.successor();
    first.kill('SIGSTOP');
    await election.firstAct(second.pid, 0);
    const resumedMs = Date.now();
    first.kill('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await election.acts()).filter(({ pid, atMs }) => pid === first.pid && atMs >= resumedMs)).toEqual([]);
    expect(await election.terms()).toEqual([first.pid, second.pid]);
    second.kill('SIGKILL');
    await election.firstAct(first.pid, resumedMs);
  });

  it('hands over at once when the leader is told to stop, which then ends with 0', async () => {
    const election = new Election('stopped', 30_000);
    const first = await election.leader();
    const second = await election.successor();
    const stoppedMs = Date.now();
    const exited = once(first, 'exit');
    first.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    const actedMs = await election.firstAct(second.pid, stoppedMs);
    expect(actedMs - stoppedMs).toBeLessThan(election.leaseMs / 2);
    expect(await election.terms()).toEqual([first.pid, second.pid]);
  });
});
