// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  apiVersionOf,
  type Description,
  type Feed,
  type HelmChart,
  type HelmChartSpec,
  type HelmRelease,
  type KubeObject,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { ChartRepository, type Cluster, freePort, OciRegistry, startSystem, type System } from '@clusternet/localup';
import { bombChart, brokenChart, largeChart, plainChart, waitingChart } from './testing/chartFixtures.ts';
import { crash } from './testing/crash.ts';
import { eventually, throughout } from './testing/eventually.ts';
import { conditionLine, configMap, namespace as namespaceNamed, Publisher } from './testing/feeds.ts';
import { logDir } from './testing/logDir.ts';
import { quickElection } from './testing/quickElection.ts';

const execute = promisify(execFile);
const cli = fileURLToPath(new URL('../../packages/kubectl-clusternet/dist/main.js', import.meta.url));
/** Two through the tunnel, one by its agent. */
const clusters = ['one', 'two', 'pull'] as const;
/** More of them, for what is about many at once. */
const others = ['four', 'five', 'six', 'seven', 'eight'] as const;
const few = { matchLabels: { use: 'always' } };
const credentials = { username: 'reader', password: 'not-a-word-of-it' };
let system: System;
let parent: KubeClient;
let publisher: Publisher;
let open: ChartRepository;
let closed: ChartRepository;
let registry: OciRegistry;
let privateRegistry: OciRegistry;
const children = new Map<string, { cluster: Cluster; client: KubeClient }>();

beforeAll(async () => {
  const helm = { allow: ['127.0.0.1'], memoryMiB: 192 };
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  system = await startSystem({
    children: [
      { name: 'one', syncMode: 'Push', labels: few.matchLabels },
      { name: 'two', syncMode: 'Push', labels: few.matchLabels },
      { name: 'pull', syncMode: 'Pull', labels: few.matchLabels },
      ...others.map((name) => ({ name, syncMode: 'Push' as const })),
    ],
    values: {
      hub: { helm, extraArgs: quickElection, featureGates: { SocketConnection: true } },
      scheduler: { extraArgs: quickElection },
      'override-engine': { extraArgs: quickElection },
      agent: {
        helm,
        extraArgs: quickElection,
        featureGates: { SocketConnection: true },
        // Nothing is there: what the hub deploys comes through the tunnel.
        advertiseURL: `https://127.0.0.1:${await freePort()}`,
      },
    },
    logDir: logDir(),
    log,
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const cluster of system.children)
    children.set(cluster.name, { cluster, client: await KubeClient.fromKubeConfig({ path: cluster.kubeconfigPath }) });
  const { binaries } = system.parent;
  [open, closed, registry, privateRegistry] = await Promise.all([
    ChartRepository.start({ helm: binaries.helm }),
    ChartRepository.start({ helm: binaries.helm, credentials }),
    OciRegistry.start({ cluster: system.parent, log }),
    OciRegistry.start({ cluster: system.parent, credentials, log }),
  ]);
  await open.publish(
    plainChart('plain', '1.0.0'),
    plainChart('plain', '1.1.0'),
    plainChart('plain', '2.0.0-rc.1'),
    brokenChart('broken', '1.0.0'),
    plainChart('growing', '1.0.0'),
    { ...waitingChart('growing', '1.1.0') },
    waitingChart('waiting', '1.0.0'),
    largeChart('large', '1.0.0', 200),
    bombChart('endless', '1.0.0', '{{ range until 100000 }}{{ range until 1000 }}0123456789abcdef{{ end }}{{ end }}'),
    bombChart('deep', '1.0.0', '{{ define "deep" }}{{ include "deep" . }}{{ end }}{{ include "deep" . }}'),
  );
  await Promise.all([
    closed.publish(plainChart('secret', '1.0.0')),
    registry.publish(plainChart('plain', '1.0.0'), plainChart('plain', '1.1.0')),
    privateRegistry.publish(plainChart('secret', '3.0.0')),
  ]);
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...[...children.values()].map(({ client }) => client)].map((client) => client?.close()));
  await Promise.all([open?.[Symbol.asyncDispose](), closed?.[Symbol.asyncDispose]()]);
  await system?.close();
}, 120_000);

function child(name: string): { cluster: Cluster; client: KubeClient } {
  const found = children.get(name);
  if (!found) throw new Error(`there is no child ${name}`);
  return found;
}

const chartFeed = (name: string): Feed => ({
  apiVersion: apiVersionOf(resources.helmCharts),
  kind: 'HelmChart',
  namespace: 'default',
  name,
});

async function putChart(name: string, spec: Partial<HelmChartSpec>): Promise<Feed> {
  const defaults = { chart: name, targetNamespace: name, timeoutSeconds: 30 };
  await parent.resource<HelmChart>(resources.helmCharts).apply(
    {
      apiVersion: apiVersionOf(resources.helmCharts),
      kind: 'HelmChart',
      metadata: { name, namespace: 'default' },
      spec: { ...defaults, ...spec } as HelmChartSpec,
    },
    { fieldManager: 'e2e', force: true },
  );
  return chartFeed(name);
}

const chartNamed = (name: string): Promise<HelmChart> =>
  parent.resource<HelmChart>(resources.helmCharts).get({ name, namespace: 'default' });

async function releases(subscription: string): Promise<HelmRelease[]> {
  const { items } = await parent.resource<HelmRelease>(resources.helmReleases).list();
  return items.filter(({ metadata }) => metadata.labels?.['apps.clusternet.io/subs.name'] === subscription);
}

async function data(cluster: string, ns: string, name = ns): Promise<Record<string, string> | undefined> {
  return (await child(cluster).client.resource(core.configMaps).find({ name, namespace: ns }))?.['data'] as
    Record<string, string> | undefined;
}

async function everywhere(check: (cluster: string) => Promise<void>, seconds?: number): Promise<void> {
  await eventually(() => Promise.all(clusters.map(check)), seconds);
}

/** helm in the child, as somebody there uses it. */
async function helm<T>(cluster: string, ...args: string[]): Promise<T> {
  const { binaries, kubeconfigPath, folder } = child(cluster).cluster;
  const { stdout } = await execute(binaries.helm, [...args, '-o', 'json', '--kubeconfig', kubeconfigPath], {
    env: { HOME: folder },
  });
  return JSON.parse(stdout) as T;
}

interface HistoryEntry {
  revision: number;
  status: string;
  chart: string;
}

const history = (cluster: string, name: string): Promise<HistoryEntry[]> => helm(cluster, 'history', name, '--namespace', name);

async function kubectl(...args: string[]): Promise<string> {
  const { binaries, kubeconfigPath, folder } = system.parent;
  return (await execute(binaries.kubectl, [...args, '--kubeconfig', kubeconfigPath], { env: { HOME: folder } })).stdout;
}

/** `kubectl clusternet` with these words. */
async function clusternet(...words: string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: system.parent.kubeconfigPath };
  return (await execute(process.execPath, [cli, ...words], { env })).stdout;
}

/** What helm has installed in a cluster, as it keeps it, and what runs of it. */
async function running(cluster: string, name: string): Promise<unknown> {
  const { binaries, kubeconfigPath, folder } = child(cluster).cluster;
  const of = async (what: string): Promise<string> => {
    const args = ['get', what, name, '--namespace', name, '--kubeconfig', kubeconfigPath];
    return (await execute(binaries.helm, args, { env: { HOME: folder } })).stdout;
  };
  return { manifest: await of('manifest'), values: await of('values'), data: await data(cluster, name) };
}

/** Deploys to the clusters that every test uses, or to all. */
const subscribe = (name: string, feeds: Feed[], clusterAffinity: object = few): Promise<Subscription> =>
  publisher.subscribe(name, feeds, clusterAffinity);

async function deployed(subscription: string, seconds?: number): Promise<Subscription> {
  return eventually(async () => {
    const found = await publisher.subscription(subscription);
    expect(conditionLine(found, 'Deployed')).toMatch(/^True/);
    return found;
  }, seconds);
}

async function removed(subscription: string): Promise<void> {
  await publisher.unsubscribe(subscription);
  await eventually(async () => {
    expect(await parent.resource(resources.subscriptions).find({ name: subscription, namespace: 'default' })).toBeUndefined();
    expect(await releases(subscription)).toEqual([]);
  });
}

describe('charts of a repository and of a registry', () => {
  it('are installed in every cluster, all with the version that was found, and fetched once by each who deploys', async () => {
    const feeds = [
      await putChart('plain', { repo: open.url, version: '^1.0', wait: true }),
      await putChart('plain-oci', { repo: registry.url, chart: 'plain', plainHTTP: true, version: '1.0.0' }),
    ];
    open.requests.length = 0;
    await subscribe('plain', [
      ...feeds,
      ...(await publisher.feed(namespaceNamed('beside'), configMap('beside', 'c', { a: '1' }))),
    ]);
    const subscription = await deployed('plain');
    await everywhere(async (cluster) => {
      expect(await data(cluster, 'plain')).toEqual({ version: '1.1.0', greeting: 'hello' });
      expect(await data(cluster, 'plain-oci')).toEqual({ version: '1.0.0', greeting: 'hello' });
      expect(await data(cluster, 'beside', 'c')).toEqual({ a: '1' });
    });
    expect(open.requests.filter((line) => line === '200 /plain-1.1.0.tgz')).toHaveLength(2);
    expect(subscription.status?.completedReleases).toBe(3);
    const feed = subscription.status?.aggregatedStatuses?.find(({ name }) => name === 'plain-oci');
    expect(feed?.feedStatusDetails?.map(({ available }) => available)).toEqual([true, true, true]);
  });

  it('look in helm and kubectl as people expect', async () => {
    const [one] = await helm<{ name: string; namespace: string; chart: string; status: string; revision: string }[]>(
      'one',
      'ls',
      '-n',
      'plain',
    );
    expect(one).toMatchObject({ name: 'plain', namespace: 'plain', chart: 'plain-1.1.0', status: 'deployed', revision: '1' });
    const table = await kubectl('get', 'helmreleases', '-A');
    expect(table.split('\n')[0]).toMatch(/^NAMESPACE +NAME +CHART +VERSION +REPO +STATUS +AGE/);
    expect(table.split('\n').filter((line) => / plain +1\.1\.0 +http:\/\/127\.0\.0\.1:\d+ +deployed /.test(line))).toHaveLength(
      3,
    );
    expect(await kubectl('get', 'helmcharts')).toMatch(/plain +\^1\.0 +http:\S+ +Found/);
    const [release] = await releases('plain');
    expect(release?.status).toMatchObject({
      phase: 'deployed',
      version: 1,
      description: 'Install complete',
      notes: 'It says hello.\n',
    });
  });

  it('are upgraded when the chart changes, and only then', async () => {
    const before = await kubectl('get', 'helmreleases', '-A', '-o', 'jsonpath={.items[*].metadata.generation}');
    await putChart('plain', { repo: open.url, version: '^1.0', wait: true, timeoutSeconds: 31 });
    await putChart('plain-oci', { repo: registry.url, chart: 'plain', plainHTTP: true, version: '1.1.0', replaceCRDs: true });
    await everywhere(async (cluster) => expect((await data(cluster, 'plain-oci'))?.['version']).toBe('1.1.0'));
    await deployed('plain');
    for (const cluster of clusters) {
      expect((await history(cluster, 'plain-oci')).map(({ revision, status }) => [revision, status])).toEqual([
        [1, 'superseded'],
        [2, 'deployed'],
      ]);
      // Another time-out is no other release.
      expect(await history(cluster, 'plain')).toHaveLength(1);
      const crd = await child(cluster)
        .client.resource(core.customResourceDefinitions)
        .get({ name: 'widgets.charts.example.com' });
      expect(JSON.stringify(crd)).toContain('of chart 1.1.0');
    }
    expect(await kubectl('get', 'helmreleases', '-A', '-o', 'jsonpath={.items[*].metadata.generation}')).not.toBe(before);
  });

  it('take values from Globalizations and Localizations in their order, and say which one does not fit', async () => {
    const override = (kind: 'Globalization' | 'Localization', o: { name: string; namespace?: string; value: string }) =>
      parent.resource(kind === 'Globalization' ? resources.globalizations : resources.localizations).apply(
        {
          apiVersion: apiVersionOf(resources.globalizations),
          kind,
          metadata: { name: o.name, ...(o.namespace ? { namespace: o.namespace } : {}) },
          spec: {
            overridePolicy: 'ApplyNow',
            feed: chartFeed('plain'),
            overrides: [{ name: 'greeting', type: 'Helm', value: o.value }],
          },
        },
        { fieldManager: 'e2e', force: true },
      );
    const one = (await releases('plain')).find(
      ({ metadata }) => metadata.labels?.['clusters.clusternet.io/cluster-name'] === 'one',
    );
    await override('Localization', { name: 'greeting', namespace: one?.metadata.namespace, value: 'greeting: bonjour' });
    await override('Globalization', { name: 'greeting', value: 'greeting: hi' });
    await everywhere(async (cluster) =>
      expect((await data(cluster, 'plain'))?.['greeting']).toBe(cluster === 'one' ? 'bonjour' : 'hi'),
    );
    await override('Globalization', { name: 'greeting', value: 'greeting: [' });
    await eventually(async () =>
      expect(conditionLine(await publisher.subscription('plain'), 'Deployed')).toMatch(
        /OverrideFailed.*Globalization greeting.*"greeting"/s,
      ),
    );
    expect((await data('two', 'plain'))?.['greeting']).toBe('hi');
    await expect(override('Globalization', { name: 'large', value: `text: ${'x'.repeat(2_000_000)}` })).rejects.toThrow(
      /too large/i,
    );
    // The API server takes it; a Description has no room for it.
    await override('Globalization', { name: 'greeting', value: `text: ${'x'.repeat(900_000)}` });
    await eventually(async () =>
      expect(await kubectl('get', 'globalizations', '-o', 'wide')).toMatch(
        /^greeting .* False +OverrideFailed +HelmChart default\/plain takes \d+ bytes with its values/m,
      ),
    );
    expect((await data('two', 'plain'))?.['greeting']).toBe('hi');
    await parent.resource(resources.globalizations).delete({ name: 'greeting' });
    await parent.resource(resources.localizations).delete({ name: 'greeting', namespace: one?.metadata.namespace });
    await everywhere(async (cluster) => expect((await data(cluster, 'plain'))?.['greeting']).toBe('hello'));
  });

  it('are taken back with their version and values, in one cluster and in all, and when one has left', async () => {
    await parent.resource(resources.globalizations).apply(
      {
        apiVersion: apiVersionOf(resources.globalizations),
        kind: 'Globalization',
        metadata: { name: 'hola' },
        spec: { overridePolicy: 'ApplyNow', feed: chartFeed('plain'), overrides: [{ type: 'Helm', value: 'greeting: hola' }] },
      },
      { fieldManager: 'e2e', force: true },
    );
    await everywhere(async (cluster) => expect(await data(cluster, 'plain')).toEqual({ version: '1.1.0', greeting: 'hola' }));
    await deployed('plain');
    const before = await Promise.all(clusters.map((cluster) => running(cluster, 'plain')));
    const isBack = async (): Promise<void> =>
      expect(await Promise.all(clusters.map((cluster) => running(cluster, 'plain')))).toEqual(before);

    await putChart('plain', { repo: open.url, version: '1.0.0', wait: true });
    await everywhere(async (cluster) => expect((await data(cluster, 'plain'))?.['version']).toBe('1.0.0'));
    await clusternet('rollout', 'undo', 'plain', '--cluster', 'one');
    await eventually(async () => expect(await running('one', 'plain')).toEqual(before[0]));
    expect((await data('two', 'plain'))?.['version']).toBe('1.0.0');
    await clusternet('rollout', 'undo', 'plain');
    await eventually(isBack);

    await subscribe('plain', [chartFeed('plain')]);
    await everywhere(async (cluster) => expect(await helm(cluster, 'ls', '-n', 'plain-oci')).toEqual([]));
    await clusternet('rollout', 'undo', 'plain');
    await everywhere(async (cluster) => expect((await data(cluster, 'plain-oci'))?.['version']).toBe('1.1.0'));
    await isBack();
    await parent.resource(resources.globalizations).delete({ name: 'hola' });
    await subscribe('plain', [chartFeed('plain'), chartFeed('plain-oci')]);
    await deployed('plain');
  });

  it('are uninstalled when they leave the Subscription, and when that goes', async () => {
    await subscribe('plain', [chartFeed('plain')]);
    await everywhere(async (cluster) => {
      expect(await data(cluster, 'plain-oci')).toBeUndefined();
      expect(await helm(cluster, 'ls', '-n', 'plain-oci')).toEqual([]);
      expect(await data(cluster, 'plain')).toBeDefined();
    });
    await removed('plain');
    for (const cluster of clusters)
      expect(await helm(cluster, 'ls', '-A')).not.toContainEqual(expect.objectContaining({ name: 'plain' }));
    const { items } = await parent.resource<Description>(resources.descriptions).list();
    expect(items.filter(({ metadata }) => metadata.labels?.['apps.clusternet.io/subs.name'] === 'plain')).toEqual([]);
  });
});

describe('a repository that wants a password', () => {
  const secret = (password: string, name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'default' },
    data: Object.fromEntries(
      Object.entries({ ...credentials, password }).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  });
  const putSecret = (password: string, name: string): Promise<KubeObject> =>
    parent.resource(core.secrets).apply(secret(password, name), { fieldManager: 'e2e', force: true });

  it('says what is missing, step by step, and is read in the end, by hub and agents', async () => {
    const chartPullSecret = { name: 'repository' };
    // Another spec is looked for at once; that it is tried again by itself is shown where a repository comes back.
    const reason = async (): Promise<string> => (await chartNamed('secret')).status?.reason ?? '';
    const feed = await putChart('secret', { repo: closed.url });
    await subscribe('secret', [feed]);
    await eventually(async () => expect(await reason()).toMatch(/answers 401: credentials are wanted/));
    await eventually(async () =>
      expect(conditionLine(await publisher.subscription('secret'), 'Deployed')).toMatch(/ChartNotFound.*answers 401/s),
    );
    await putSecret('wrong', 'mistaken');
    await putChart('secret', { repo: closed.url, chartPullSecret: { name: 'mistaken' } });
    const command = await eventually(async () => {
      const found = /kubectl (create rolebinding \S+ \S+ \S+ \S+)/.exec(await reason());
      expect(found).not.toBeNull();
      return found?.[1] ?? '';
    });
    await kubectl(...command.split(' '));
    await putChart('secret', { repo: closed.url, chartPullSecret: { name: 'mistaken' }, timeoutSeconds: 31 });
    await eventually(async () => expect(await reason()).toMatch(/the credentials of chartPullSecret are refused/));
    expect(await kubectl('get', 'helmcharts', '-o', 'wide')).toMatch(/^secret .* NotFound .*chartPullSecret are refused/m);
    await putSecret(credentials.password, 'repository');
    await putChart('secret', { repo: closed.url, chartPullSecret });
    await putChart('secret-oci', {
      repo: privateRegistry.url,
      chart: 'secret',
      plainHTTP: true,
      chartPullSecret,
      version: '>=2',
    });
    await subscribe('secret', [feed, chartFeed('secret-oci')]);
    await everywhere(async (cluster) => {
      expect((await data(cluster, 'secret'))?.['version']).toBe('1.0.0');
      expect((await data(cluster, 'secret-oci'))?.['version']).toBe('3.0.0');
    });
    await deployed('secret');
  });

  it('gives its password to agents that need it only, and nobody a way to see it', async () => {
    const holders = await kubectl('get', 'secrets', '-A', '--field-selector=metadata.name=helm-chart-credentials', '-o', 'name');
    expect(holders.trim().split('\n')).toHaveLength(1);
    for (const kind of ['helmcharts', 'helmreleases', 'descriptions', 'events'])
      expect(await kubectl('get', kind, '-A', '-o', 'yaml')).not.toContain(credentials.password);
    await removed('secret');
    await eventually(async () =>
      expect(await kubectl('get', 'secrets', '-A', '--field-selector=metadata.name=helm-chart-credentials', '-o', 'name')).toBe(
        '',
      ),
    );
  });
});

describe('what goes wrong', () => {
  it('is told with the reason: a chart that is not there, a version, a repository that is away and comes back', async () => {
    const feeds = [await putChart('absent', { repo: open.url }), await putChart('plain', { repo: open.url, version: '7.x' })];
    await subscribe('absent', feeds);
    await eventually(async () => {
      expect((await chartNamed('absent')).status).toMatchObject({
        phase: 'NotFound',
        reason: expect.stringContaining('has no chart "absent"'),
      });
      expect((await chartNamed('plain')).status?.reason).toBe(
        'chart "plain" has no version "7.x"; there are 2.0.0-rc.1, 1.1.0, 1.0.0',
      );
      const line = conditionLine(await publisher.subscription('absent'), 'Deployed');
      expect(line).toMatch(/^False FeedFailed/);
      expect(line).toContain('has no chart "absent"');
    });
    expect(await kubectl('get', 'helmchart', 'absent', '-o', 'wide')).toMatch(/ NotFound +.*has no chart "absent"/);
    await open.stop();
    await putChart('plain', { repo: open.url, version: '1.0.0' });
    await eventually(async () => expect((await chartNamed('plain')).status?.reason).toMatch(/cannot be read: .*ECONNREFUSED/));
    await open.restart();
    await everywhere(async (cluster) => expect((await data(cluster, 'plain'))?.['version']).toBe('1.0.0'));
    await removed('absent');
  });

  it('is told with the words of helm, and mended by a chart that can be installed', async () => {
    await subscribe('broken', [await putChart('broken', { repo: open.url, atomic: true })]);
    await eventually(async () => {
      const found = await releases('broken');
      expect(found.map(({ status }) => status?.phase)).toEqual(['failed', 'failed', 'failed']);
      for (const { status } of found) expect(status?.notes).toMatch(/INSTALLATION FAILED: .*(ConfigMap|data\.key|string)/s);
      const line = conditionLine(await publisher.subscription('broken'), 'Deployed');
      expect(line).toMatch(/^False FeedFailed: .*default\/broken.*INSTALLATION FAILED/s);
    });
    await open.publish(plainChart('broken', '1.0.1'));
    await putChart('broken', { repo: open.url, version: '1.0.1', atomic: true });
    await everywhere(async (cluster) => expect((await data(cluster, 'broken'))?.['version']).toBe('1.0.1'));
    await deployed('broken');
    await removed('broken');
  });

  it('is told of templates that never end or take all memory: helm is stopped, and the other charts go on', async () => {
    const feeds = [
      await putChart('endless', { repo: open.url }),
      await putChart('deep', { repo: open.url }),
      await putChart('beside', { repo: open.url, chart: 'plain', version: '1.0.0' }),
    ];
    await subscribe('bombs', feeds);
    const notes = { endless: /^helm was stopped: it took more than 192 MiB/, deep: /nested reference name/ };
    await eventually(async () => {
      const found = await releases('bombs');
      for (const [name, message] of Object.entries(notes)) {
        const ofIt = found.filter(({ spec }) => spec.chart === name).map(({ status }) => status);
        expect(ofIt.map((status) => status?.phase)).toEqual(['failed', 'failed', 'failed']);
        for (const status of ofIt) expect(status?.notes).toMatch(message);
      }
      const line = conditionLine(await publisher.subscription('bombs'), 'Deployed');
      expect(line).toMatch(/^False FeedFailed: .*(helm was stopped|nested reference name)/s);
    });
    await everywhere(async (cluster) => expect((await data(cluster, 'beside'))?.['version']).toBe('1.0.0'));
    expect(await kubectl('get', 'helmreleases', '-A', '-o', 'wide')).toMatch(/ endless +1\.0\.0 .* failed +helm was stopped: it/);
    expect(await kubectl('describe', 'helmreleases', '-A')).toMatch(/Notes: +helm was stopped: it took more than 192 MiB/);
    await removed('bombs');
  });

  it('an upgrade that times out with upgradeAtomic leaves what was there before', async () => {
    const options = { repo: open.url, wait: true, upgradeAtomic: true, timeoutSeconds: 3 };
    await subscribe('growing', [await putChart('growing', { ...options, version: '1.0.0' })]);
    await deployed('growing');
    await putChart('growing', { ...options, version: '1.1.0' });
    await eventually(async () => {
      const found = await releases('growing');
      expect(found.map(({ status }) => status?.phase)).toEqual(['failed', 'failed', 'failed']);
      for (const { status } of found) expect(status?.notes).toMatch(/UPGRADE FAILED: .*rolled back/s);
    });
    await everywhere(async (cluster) => expect((await data(cluster, 'growing'))?.['version']).toBe('1.0.0'));
    await putChart('growing', { ...options, version: '1.0.0' });
    await deployed('growing');
    await removed('growing');
  });

  it('a hub and an agent that are killed while helm works leave nothing half done', async () => {
    const options = { repo: open.url, wait: true, timeoutSeconds: 12 };
    await subscribe('waiting', [await putChart('waiting', options)]);
    await everywhere(async (cluster) => expect((await history(cluster, 'waiting'))[0]?.status).toBe('pending-install'));
    const victims = await Promise.all(['clusternet-hub', 'clusternet-agent/pull'].map((name) => crash(system, name)));
    await putChart('waiting', { ...options, wait: false });
    await Promise.all(victims.map((victim) => victim.restart()));
    await deployed('waiting');
    for (const cluster of clusters) {
      const states = (await history(cluster, 'waiting')).map(({ status }) => status);
      expect(states.pop()).toBe('deployed');
      // An upgrade that follows a failure at once calls that one superseded.
      expect(states.filter((state) => state !== 'failed' && state !== 'superseded')).toEqual([]);
      expect(states.length).toBeGreaterThan(0);
    }
    await removed('waiting');
  });
});

describe('a chart of 200 objects', () => {
  it('arrives in eight clusters at once, and what was deployed is left alone', async () => {
    open.requests.length = 0;
    await subscribe('large', [await putChart('large', { repo: open.url })], {});
    await deployed('large');
    const all = [...clusters, ...others];
    for (const cluster of all) {
      const { items } = await child(cluster).client.resource(core.configMaps).list({ namespace: 'large' });
      expect(items.filter(({ metadata }) => metadata.name.startsWith('part-'))).toHaveLength(200);
    }
    // Once by the hub, for seven clusters, and once by the agent.
    expect(open.requests.filter((line) => line === '200 /large-1.0.0.tgz')).toHaveLength(2);
    const revisions = async (): Promise<number[]> => (await releases('large')).map(({ status }) => status?.version ?? 0);
    await throughout(2, async () => expect(await revisions()).toEqual(all.map(() => 1)));
  });
});
