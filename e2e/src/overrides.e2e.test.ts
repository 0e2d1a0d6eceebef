// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  annotations,
  apiVersionOf,
  type Description,
  type Feed,
  type Globalization,
  type Localization,
  type ManagedCluster,
  type OverrideConfig,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, isInvalid, KubeClient } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { crash } from './testing/crash.ts';
import { eventually, throughout } from './testing/eventually.ts';
import { conditionLine, configMap, deployment, namespace, Publisher } from './testing/feeds.ts';
import { logDir } from './testing/logDir.ts';
import { quickElection } from './testing/quickElection.ts';

const modes = ['push', 'pull'] as const;
const ns = 'shop';

const cli = fileURLToPath(new URL('../../packages/kubectl-clusternet/dist/main.js', import.meta.url));

let system: System;
let parent: KubeClient;
let publisher: Publisher;
const children = new Map<string, KubeClient>();
/** Dedicated namespaces by the names of the clusters. */
const dedicated = new Map<string, string>();

const settings = configMap(ns, 'settings', { colour: 'blue', 'app.yaml': 'log:\n  level: info\n' });
const web = deployment(ns, 'web', 1);
const feedOfSettings: Feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: ns, name: 'settings' };
const feedOfWeb: Feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: ns, name: 'web' };

beforeAll(async () => {
  system = await startSystem({
    children: [
      { name: 'push', nodes: 1, syncMode: 'Push', labels: { region: 'north' } },
      { name: 'pull', nodes: 1, syncMode: 'Pull', labels: { region: 'south' } },
    ],
    values: {
      'override-engine': { extraArgs: quickElection },
    },
    logDir: logDir(),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const child of system.children) children.set(child.name, await KubeClient.fromKubeConfig({ path: child.kubeconfigPath }));
  for (const { metadata } of (await parent.resource<ManagedCluster>(resources.managedClusters).list()).items)
    dedicated.set(metadata.labels?.['clusters.clusternet.io/cluster-name'] ?? metadata.name, metadata.namespace ?? '');
  const others = Array.from({ length: 6 }, (_, i) => configMap(ns, `other-${i}`, { a: '1' }));
  await publisher.subscribe(ns, await publisher.feed(namespace(ns), settings, web, ...others));
  await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...children.values()].map((client) => client?.close()));
  await system?.close();
}, 120_000);

function child(name: string): KubeClient {
  const client = children.get(name);
  if (client === undefined) throw new Error(`there is no child ${name}`);
  return client;
}

/** An entry of the settings in each cluster. */
async function everywhere(key: string): Promise<Record<string, string | undefined>> {
  const values = await Promise.all(
    modes.map(async (mode) => {
      const found = await child(mode).resource(core.configMaps).find({ name: 'settings', namespace: ns });
      return [mode, (found?.['data'] as Record<string, string> | undefined)?.[key]] as const;
    }),
  );
  return Object.fromEntries(values);
}

async function replicas(): Promise<Record<string, number | undefined>> {
  const values = await Promise.all(
    modes.map(async (mode) => {
      const found = await child(mode).resource(core.deployments).find({ name: 'web', namespace: ns });
      return [mode, (found?.['spec'] as { replicas?: number } | undefined)?.replicas] as const;
    }),
  );
  return Object.fromEntries(values);
}

async function globalize(name: string, spec: Partial<Globalization['spec']>): Promise<void> {
  await parent.resource<Globalization>(resources.globalizations).apply(
    {
      apiVersion: apiVersionOf(resources.globalizations),
      kind: 'Globalization',
      metadata: { name },
      spec: { overridePolicy: 'ApplyNow', feed: feedOfSettings, ...spec },
    },
    { fieldManager: 'e2e', force: true },
  );
}

async function localize(mode: string, name: string, spec: Partial<Localization['spec']>): Promise<void> {
  await parent.resource<Localization>(resources.localizations).apply(
    {
      apiVersion: apiVersionOf(resources.localizations),
      kind: 'Localization',
      metadata: { name, namespace: dedicated.get(mode) },
      spec: { overridePolicy: 'ApplyNow', feed: feedOfSettings, ...spec },
    },
    { fieldManager: 'e2e', force: true },
  );
}

const unglobalize = (name: string): Promise<void> => parent.resource(resources.globalizations).delete({ name });
const unlocalize = (mode: string, name: string): Promise<void> =>
  parent.resource(resources.localizations).delete({ name, namespace: dedicated.get(mode) });

const applied = async (name: string): Promise<string> =>
  conditionLine(await parent.resource<Globalization>(resources.globalizations).get({ name }), 'Applied');

async function generations(): Promise<Record<string, number | undefined>> {
  const { items } = await parent.resource<Description>(resources.descriptions).list();
  return Object.fromEntries(items.map(({ metadata }) => [metadata.namespace ?? '', metadata.generation] as const));
}

/** `kubectl clusternet` with these words. */
function kubectl(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, KUBECONFIG: system.parent.kubeconfigPath };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...words], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

/** The settings in each cluster, as they are stored there but for what differs between two writes of the same. */
async function running(): Promise<string[]> {
  return await Promise.all(
    modes.map(async (mode) => {
      const found = await child(mode).resource(core.configMaps).get({ name: 'settings', namespace: ns });
      const metadata = { ...found.metadata, resourceVersion: undefined, managedFields: undefined };
      return JSON.stringify({ metadata, data: found['data'] });
    }),
  );
}

async function annotate(values: Record<string, string | null>): Promise<void> {
  await parent
    .resource<Subscription>(resources.subscriptions)
    .patch({ name: ns, namespace: 'default' }, { metadata: { annotations: values } }, { type: 'merge' });
}

const colour = (value: string): OverrideConfig[] => [{ type: 'MergePatch', value: `data: {colour: ${value}}` }];

describe('overrides', () => {
  it('for all clusters and for one arrive, are edited and are taken back, in Push and Pull', async () => {
    await globalize('all', { overrides: colour('red') });
    await localize('pull', 'one', { overrides: colour('green') });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'green' }));
    await eventually(async () => expect(await applied('all')).toMatch(/^True Applied/));
    await localize('pull', 'one', {
      overrides: [{ type: 'FieldMergePatch', value: 'log: {level: debug}', fieldPath: '/data/app.yaml', fieldFormat: 'YAML' }],
    });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'red' }));
    await eventually(async () =>
      expect(await everywhere('app.yaml')).toEqual({ push: 'log:\n  level: info\n', pull: 'log:\n  level: debug\n' }),
    );
    await unlocalize('pull', 'one');
    await unglobalize('all');
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
    await eventually(async () =>
      expect(await everywhere('app.yaml')).toEqual({ push: 'log:\n  level: info\n', pull: 'log:\n  level: info\n' }),
    );
  });

  it('rewrite the Descriptions they touch, once each, and no others', async () => {
    const before = await generations();
    await globalize('south', { clusterAffinity: { matchLabels: { region: 'south' } }, overrides: colour('red') });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'red' }));
    const [push = '', pull = ''] = modes.map((mode) => dedicated.get(mode));
    expect(await generations()).toEqual({ [push]: before[push], [pull]: (before[pull] ?? 0) + 1 });
    await globalize('south', { overrides: colour('red') });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'red' }));
    await unglobalize('south');
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
  });

  it('of policy ApplyLater wait for the next change of the feed', async () => {
    await globalize('later', { overridePolicy: 'ApplyLater', overrides: colour('red') });
    await eventually(async () => expect(await applied('later')).toMatch(/^False Waiting/));
    await throughout(1, async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
    await publisher.feed(configMap(ns, 'settings', { colour: 'blue', more: 'yes', 'app.yaml': 'a: 1\n' }));
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'red' }));
    await eventually(async () => expect(await applied('later')).toMatch(/^True Applied/));
    await unglobalize('later');
    await publisher.feed(settings);
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
  });

  it('that do not fit name operation and path, and stop their feed in their cluster alone', async () => {
    await localize('pull', 'bad', {
      feed: feedOfWeb,
      overrides: [{ name: 'pause', type: 'JSONPatch', value: '[{op: replace, path: /spec/paused, value: true}]' }],
    });
    const message = `Localization ${dedicated.get('pull')}/bad: override 1 "pause" (JSONPatch): replace /spec/paused: there is no /spec/paused`;
    await eventually(async () => {
      const ref = { name: 'bad', namespace: dedicated.get('pull') };
      const bad = await parent.resource<Localization>(resources.localizations).get(ref);
      expect(conditionLine(bad, 'Applied')).toContain(`False OverrideFailed: ${message}`);
      const line = conditionLine(await publisher.subscription(ns), 'Deployed');
      expect(line).toMatch(/^False FeedFailed/);
      expect(line).toContain(message);
    });
    await publisher.feed(deployment(ns, 'web', 2), configMap(ns, 'settings', { colour: 'white' }));
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'white', pull: 'white' }));
    await eventually(async () => expect(await replicas()).toEqual({ push: 2, pull: 1 }));
    await unlocalize('pull', 'bad');
    await eventually(async () => expect(await replicas()).toEqual({ push: 2, pull: 2 }));
    await eventually(async () => expect(conditionLine(await publisher.subscription(ns), 'Deployed')).toMatch(/^True/));
  });

  it('that name nothing, or are malformed, say so', async () => {
    await globalize('nothing', { feed: { ...feedOfSettings, name: 'nothing' }, overrides: colour('red') });
    await eventually(async () =>
      expect(await applied('nothing')).toMatch(/^False FeedNotFound: there is no v1\/ConfigMap\/shop\/nothing/),
    );
    await unglobalize('nothing');
    const refused = await globalize('helm', { overrides: [{ type: 'Helm', value: 'a: 1' }] }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(isInvalid(refused)).toBe(true);
    expect(String(refused)).toContain('type Helm and overrideChart are for HelmChart feeds only');
  });
});

describe('a change that turns out to be bad', () => {
  it('is undone for one cluster and for all: what runs is what ran before, byte for byte', async () => {
    await publisher.feed(settings);
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'blue', pull: 'blue' }));
    const [push = '', pull = ''] = await running();
    await globalize('bad', { overrides: [...colour('red'), { type: 'MergePatch', value: 'data: {app.yaml: null}' }] });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'red' }));
    const { out } = await kubectl('rollout', 'history', ns);
    const last = out.trim().split('\n').at(-1);
    expect(last).toMatch(/^\d+ +2 +in pull, push +v1\/ConfigMap\/shop\/settings$/);
    const shown = await kubectl('rollout', 'diff', ns, '--cluster', 'pull');
    expect([shown.code, shown.out]).toEqual([1, expect.stringMatching(/^-.*colour: red$/m)]);

    expect(await kubectl('rollout', 'undo', ns, '--cluster', 'pull')).toMatchObject({ code: 0, err: '' });
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'red', pull: 'blue' }));
    // Not to the one that was bad, though it is the one before.
    expect(await kubectl('rollout', 'undo', ns)).toMatchObject({ code: 0, err: '' });
    await eventually(async () => expect(await running()).toEqual([push, pull]));
    await eventually(async () => expect(await applied('bad')).toMatch(/^False Waiting: not in effect since an undo/));
    await throughout(1, async () => expect(await running()).toEqual([push, pull]));
    // The next change of the feed is a new one.
    await unglobalize('bad');
    await publisher.feed(configMap(ns, 'settings', { colour: 'white' }));
    await eventually(async () => expect(await everywhere('colour')).toEqual({ push: 'white', pull: 'white' }));
    expect(await kubectl('rollout', 'undo', 'nothing')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no Subscription'),
    });
  });

  it('goes to chosen clusters first, and no further while they are not healthy or nobody says so', async () => {
    const north = { steps: [{ selector: { matchLabels: { region: 'north' } } }], soakSeconds: 1, approval: true };
    await annotate({ [annotations.rollout]: JSON.stringify(north) });
    await publisher.feed(deployment(ns, 'web', 3));
    await eventually(async () => expect(await replicas()).toEqual({ push: 3, pull: 2 }));
    await eventually(async () =>
      expect((await kubectl('rollout', 'status', ns)).out).toMatch(/^WaitingForApproval: step 1 of 2 is healthy/m),
    );
    expect(await replicas()).toEqual({ push: 3, pull: 2 });
    const healthy = async () => {
      const { status } = await publisher.subscription(ns);
      return status?.conditions?.find(({ type }) => type === 'RolloutStepHealthy');
    };
    const since = await healthy();
    expect(since).toMatchObject({ status: 'True', message: expect.stringMatching(/^step 1 of change /) });
    const engine = await crash(system, 'clusternet-override-engine');
    await annotate({ [annotations.rollout]: JSON.stringify({ ...north, soakSeconds: 3600 }) });
    await engine.restart();
    await eventually(async () =>
      expect((await kubectl('rollout', 'status', ns)).out).toMatch(/^WaitingForHealth: .*watched for 35\d\d s more/m),
    );
    expect(await healthy()).toEqual(since);
    await annotate({ [annotations.rollout]: JSON.stringify(north) });
    await eventually(async () =>
      expect((await kubectl('rollout', 'status', ns)).out).toMatch(/^WaitingForApproval: step 1 of 2 is healthy/m),
    );
    expect(await kubectl('rollout', 'approve', ns)).toMatchObject({ code: 0, err: '' });
    await eventually(async () => expect(await replicas()).toEqual({ push: 3, pull: 3 }));
    await eventually(async () => expect((await kubectl('rollout', 'status', ns)).code).toBe(0));

    const broken = deployment(ns, 'web', 4);
    (broken['spec'] as { selector: object }).selector = { matchLabels: { app: 'another' } };
    await publisher.feed(broken);
    await eventually(async () => {
      const line = conditionLine(await publisher.subscription(ns), 'RolledOut');
      expect(line).toMatch(/^False WaitingForHealth: step 1 of 2: .* not healthy yet: push: apps\/v1\/Deployment\/shop\/web: /);
    });
    expect(await kubectl('rollout', 'undo', ns)).toMatchObject({ code: 0, err: '' });
    await eventually(async () => expect(conditionLine(await publisher.subscription(ns), 'RolledOut')).toMatch(/^True Complete/));
    expect(await replicas()).toEqual({ push: 3, pull: 3 });

    expect(await kubectl('rollout', 'pause', ns)).toMatchObject({ code: 0 });
    await publisher.feed(deployment(ns, 'web', 5));
    await eventually(async () =>
      expect(conditionLine(await publisher.subscription(ns), 'RolledOut')).toMatch(/^False Paused: .* wait$/),
    );
    expect(await replicas()).toEqual({ push: 3, pull: 3 });
    await annotate({ [annotations.rollout]: null });
    expect(await kubectl('rollout', 'resume', ns)).toMatchObject({ code: 0 });
    await eventually(async () => expect(await replicas()).toEqual({ push: 5, pull: 5 }));
  });
});

describe('a change that is not made yet', () => {
  it('is shown as what each cluster would get, with the parent and without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preview-'));
    try {
      const all = { apiVersion: apiVersionOf(resources.globalizations), kind: 'Globalization', metadata: { name: 'next' } };
      const spec = { overridePolicy: 'ApplyNow', feed: feedOfSettings, overrides: colour('black') };
      const selecting = { ...spec, clusterAffinity: { matchLabels: { region: 'south' } } };
      await writeFile(join(folder, 'next.json'), JSON.stringify({ ...all, spec: selecting }));
      const shown = await kubectl('preview', '-f', join(folder, 'next.json'));
      expect(shown).toMatchObject({ code: 1, err: '' });
      expect(shown.out).toMatch(/^-\s+colour: white\n\+\s+colour: black$/m);
      expect(shown.out.match(/^\+\+\+ .*$/gm)).toEqual([expect.stringContaining('pull/default/shop/v1/ConfigMap/shop/settings')]);
      const bad = [{ type: 'JSONPatch', value: '[{op: remove, path: /nope}]' }];
      await writeFile(join(folder, 'next.json'), JSON.stringify({ ...all, spec: { ...spec, overrides: bad } }));
      const refused = await kubectl('preview', '-f', join(folder, 'next.json'));
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('remove /nope: there is no /nope') });
      expect(await parent.resource(resources.globalizations).find({ name: 'next' })).toBeUndefined();

      const cluster = (name: string, region: string) => ({
        apiVersion: 'clusters.clusternet.io/v1beta1',
        kind: 'ManagedCluster',
        metadata: { name, labels: { region } },
      });
      const subscription = { ...(await publisher.subscription(ns)), status: undefined };
      const items = [cluster('here', 'north'), cluster('there', 'south'), subscription, settings, { ...all, spec: selecting }];
      await writeFile(join(folder, 'next.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      const offline = await kubectl('preview', '--offline', '-o', 'yaml', '-f', folder, '--kubeconfig', '/nowhere');
      expect(offline.code).toBe(0);
      expect(offline.out.match(/^# .*|colour: .*/gm)).toEqual([
        '# here/default/shop',
        'colour: blue',
        '# there/default/shop',
        'colour: black',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
