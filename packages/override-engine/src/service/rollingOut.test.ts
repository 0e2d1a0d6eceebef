// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { annotations, type Condition, type Subscription } from '@clusternet/api-types';
import { historyOf } from '../rollout/revision.ts';
import { addUndoRequest, everyCluster } from '../rollout/undo.ts';
import { Harness } from '../testing/harness.ts';
import { configMap, feedTo, globalization, localization, manifest, objectsOf, setData } from '../testing/objects.ts';

let h: Harness;

beforeEach(() => {
  h = new Harness();
  h.historyLimit = 3;
});
afterEach(() => h.stop());

const namespaces = ['ns-a', 'ns-b', 'ns-c'];
const put = (name: string, data?: Record<string, string>): unknown => h.manifests.put(manifest(configMap(name, data)));
let minute = 0;

async function annotate(values: Record<string, string | undefined>): Promise<void> {
  h.subscriptions.change('default/app', ({ metadata }) => ({
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...values } as Record<string, string> },
  }));
  await h.idle();
}

/** A running engine with the feeds `a` and `b` in three clusters. */
async function started(marks: Record<string, string> = {}): Promise<void> {
  h.subscriptions.put({
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name: 'app', namespace: 'default', uid: 'uid-app', annotations: marks },
    spec: { subscribers: [], feeds: [] },
  });
  const regions = Object.fromEntries(namespaces.map((namespace) => [namespace, namespace]));
  await h.startWith({ feeds: ['a', 'b'], data: { v: '1' }, regions });
}

async function undo(revision: number, namespace = everyCluster): Promise<void> {
  const before = h.subscriptions.live('default/app')?.metadata.annotations?.[annotations.rolloutUndo];
  const request = { id: new Date(Date.UTC(2026, 2, 2, 0, minute++)).toISOString(), revision };
  await annotate({ [annotations.rolloutUndo]: addUndoRequest(before, { namespace, request }) });
}

/** The data of each feed in each cluster. */
function state(): string[] {
  return namespaces.map((namespace) =>
    objectsOf(h.descriptions.live(`${namespace}/app-generic`))
      .map(({ metadata, data }) => `${metadata.name}${Object.values(data as object).join('')}`)
      .join(' '),
  );
}

async function change(name: string, data: Record<string, string>): Promise<void> {
  put(name, data);
  await h.idle();
}

/** All that was written is applied and healthy. */
async function confirm(namespace: string, phase: 'Success' | 'Failure' = 'Success'): Promise<void> {
  h.descriptions.change(`${namespace}/app-generic`, ({ metadata }) => ({
    status: { phase, ...(phase === 'Success' ? { observedGeneration: metadata.generation } : { reason: 'broken' }) },
  }));
  await h.idle();
}

function rolledOut(): string {
  const { status } = h.subscriptions.live('default/app') as Subscription;
  const condition = status?.conditions?.find(({ type }: Condition) => type === 'RolledOut');
  return condition ? `${condition.status} ${condition.reason}: ${condition.message}` : 'none';
}

describe('history', () => {
  it('keeps what was rendered before, one write for all clusters that had the same, and none at first', async () => {
    await started();
    expect(h.revisions.liveKeys()).toEqual([]);
    await change('a', { v: '2' });
    expect(h.revisions.liveKeys()).toHaveLength(1);
    expect(h.requests.map((request) => request.replace(/-[0-9a-f]{24}$/, ''))).toEqual([
      'create app',
      ...Array<string>(3).fill('patch app-generic'),
    ]);
  });

  it('writes nothing to Descriptions from before there was any, until they change', async () => {
    h.historyLimit = 0;
    await started();
    await h.stop();
    h.historyLimit = 3;
    await h.start();
    expect(h.requests).toEqual([]);
    await change('a', { v: '2' });
    await undo(1);
    expect(state()).toEqual(['a1 b1', 'a1 b1', 'a1 b1']);
  });

  it('is bounded, and counts on over a restart', async () => {
    await started();
    for (const v of ['2', '3', '4']) await change('a', { v });
    await h.stop();
    await h.start();
    for (const v of ['5', '6']) await change('a', { v });
    expect(historyOf(h.descriptions.live('ns-a/app-generic')).map(({ revision }) => revision)).toEqual([3, 4, 5]);
    expect(h.descriptions.live('ns-a/app-generic')?.metadata.annotations?.[annotations.revision]).toBe('6');
  });

  it('gives one change one number in all clusters, and a cluster that has no part in it none', async () => {
    await started();
    h.localizations.put(localization('one', { overrides: [setData({ v: '7' })], metadata: { namespace: 'ns-a' } }));
    await h.idle();
    await change('b', { v: '2' });
    const numbers = namespaces.map(
      (namespace) => h.descriptions.live(`${namespace}/app-generic`)?.metadata.annotations?.[annotations.revision],
    );
    expect(numbers).toEqual(['3', '3', '3']);
    const kept = namespaces.map((namespace) => historyOf(h.descriptions.live(`${namespace}/app-generic`)));
    expect(kept.map((history) => history.map(({ revision }) => revision))).toEqual([[1, 2], [1], [1]]);
    expect(new Set(kept.map(([first]) => first?.kept)).size).toBe(1);
  });
});

describe('undo', () => {
  it('brings back byte for byte what ran before, in all clusters, and holds it over a restart', async () => {
    await started();
    const before = namespaces.map((namespace) => h.descriptions.live(`${namespace}/app-generic`)?.spec.raw);
    h.globalizations.put(globalization('all', { overrides: [setData({ v: '9' })] }));
    await h.idle();
    await undo(1);
    expect(namespaces.map((namespace) => h.descriptions.live(`${namespace}/app-generic`)?.spec.raw)).toEqual(before);
    h.forget();
    await h.stop();
    await h.start();
    expect(h.requests).toEqual([]);
    expect(h.globalizations.live('all')?.status?.conditions?.[0]?.message).toMatch(/^not in effect since an undo/);
  });

  it('of one cluster leaves the others', async () => {
    await started();
    await change('a', { v: '2' });
    await undo(1, 'ns-b');
    expect(state()).toEqual(['a2 b1', 'a1 b1', 'a2 b1']);
  });

  it('ends feed by feed with the next change', async () => {
    await started();
    await change('a', { v: '2' });
    await undo(1);
    await change('b', { v: '5' });
    expect(state()[0]).toBe('a1 b5');
    await change('a', { v: '3' });
    expect(state()).toEqual(['a3 b5', 'a3 b5', 'a3 b5']);
  });

  it('brings back a feed that was taken out, and takes away one that was added, until the list changes', async () => {
    await started();
    put('c', { v: '1' });
    for (const namespace of namespaces)
      h.bases.change(`${namespace}/app`, () => ({ spec: { feeds: [feedTo('a'), feedTo('c')] } }));
    await h.idle();
    expect(state()[0]).toBe('a1 c1');
    await undo(1);
    expect(state()[0]).toBe('a1 b1');
    await h.stop();
    await h.start();
    expect(state()[0]).toBe('a1 b1');
    await change('c', { v: '2' });
    expect(state()[0]).toBe('a1 c2 b1');
    for (const namespace of namespaces) h.bases.change(`${namespace}/app`, () => ({ spec: { feeds: [feedTo('c')] } }));
    await h.idle();
    expect(state()[0]).toBe('c2');
  });

  it('can be undone', async () => {
    await started();
    await change('a', { v: '2' });
    await undo(1);
    await undo(2);
    expect(state()).toEqual(['a2 b1', 'a2 b1', 'a2 b1']);
  });

  it('of a revision that is not kept changes nothing', async () => {
    await started();
    for (const v of ['2', '3', '4', '5', '6']) await change('a', { v });
    await undo(1);
    expect(state()[0]).toBe('a6 b1');
  });
});

describe('a staged rollout', () => {
  const staged = (more: object = {}): Record<string, string> => ({
    [annotations.rollout]: JSON.stringify({
      steps: [{ selector: { matchLabels: { region: 'ns-b' } } }],
      soakSeconds: 0,
      ...more,
    }),
  });
  const deployed = async (more: object = {}): Promise<void> => {
    await started(staged(more));
    for (const namespace of ['ns-b', 'ns-a', 'ns-c']) await confirm(namespace);
    expect(state()).toEqual(['a1 b1', 'a1 b1', 'a1 b1']);
    expect(rolledOut()).toMatch(/^True Complete/);
  };

  it('gives the first clusters a change first, and the rest once they are healthy', async () => {
    await deployed();
    await change('a', { v: '2' });
    expect(state()).toEqual(['a1 b1', 'a2 b1', 'a1 b1']);
    expect(rolledOut()).toMatch(/^False WaitingForHealth: step 1 of 2: ns-b are not healthy yet/);
    await confirm('ns-b');
    expect(state()).toEqual(['a2 b1', 'a2 b1', 'a2 b1']);
  });

  it('stops while they do not become healthy, and can be undone at once', async () => {
    await deployed();
    await change('a', { v: '2' });
    await confirm('ns-b', 'Failure');
    h.now = new Date(h.now.getTime() + 3_600_000);
    await annotate({ x: 'y' });
    expect(state()).toEqual(['a1 b1', 'a2 b1', 'a1 b1']);
    await undo(1);
    expect(state()).toEqual(['a1 b1', 'a1 b1', 'a1 b1']);
    for (const namespace of namespaces) await confirm(namespace);
    expect(state()).toEqual(['a1 b1', 'a1 b1', 'a1 b1']);
    expect(rolledOut()).toMatch(/^True Complete/);
  });

  it('does not take the health of before for that of the change, nor over a restart', async () => {
    await deployed();
    await h.stop();
    put('a', { v: '2' });
    await h.start();
    expect(state()).toEqual(['a1 b1', 'a2 b1', 'a1 b1']);
  });

  it('knows over a restart how long a step has been healthy', async () => {
    await deployed();
    await annotate(staged({ soakSeconds: 600 }));
    await change('a', { v: '2' });
    await confirm('ns-b');
    expect(rolledOut()).toMatch(/watched for 600 s more$/);
    h.now = new Date(h.now.getTime() + 400_000);
    await h.stop();
    await h.start();
    expect(state()).toEqual(['a1 b1', 'a2 b1', 'a1 b1']);
    expect(rolledOut()).toMatch(/step 1 of 2: healthy, and watched for 200 s more$/);
    h.now = new Date(h.now.getTime() + 200_000);
    await h.stop();
    await h.start();
    expect(state()).toEqual(['a2 b1', 'a2 b1', 'a2 b1']);
    for (const namespace of ['ns-a', 'ns-c']) await confirm(namespace);
    h.now = new Date(h.now.getTime() + 600_000);
    await h.stop();
    await h.start();
    expect(rolledOut()).toMatch(/^True Complete/);
    h.forget();
    await h.stop();
    await h.start();
    expect([rolledOut(), h.requests]).toEqual([expect.stringMatching(/^True Complete/), []]);
  });

  it('knows over a restart how long a step has not been healthy, and counts from the start for another change', async () => {
    await deployed();
    await annotate(staged({ soakSeconds: 600, deadlineSeconds: 900 }));
    await change('a', { v: '2' });
    await confirm('ns-b', 'Failure');
    h.now = new Date(h.now.getTime() + 800_000);
    await h.stop();
    await h.start();
    expect(rolledOut()).toMatch(/^False WaitingForHealth: .*not healthy yet/);
    h.now = new Date(h.now.getTime() + 100_000);
    await h.stop();
    await h.start();
    expect(rolledOut()).toMatch(/^False Stopped: .*did not become healthy in 900 s/);
    await h.stop();
    put('a', { v: '3' });
    await h.start();
    expect(state()).toEqual(['a1 b1', 'a3 b1', 'a1 b1']);
    expect(rolledOut()).toMatch(/^False WaitingForHealth/);
    await confirm('ns-b');
    expect(rolledOut()).toMatch(/watched for 600 s more$/);
  });

  it('waits for a person where that is asked for, each time', async () => {
    await deployed();
    await annotate(staged({ approval: true }));
    await change('a', { v: '2' });
    await confirm('ns-b');
    expect(state()).toEqual(['a1 b1', 'a2 b1', 'a1 b1']);
    const hash = /approve (\w+) to go on/.exec(rolledOut())?.[1] ?? '';
    await annotate({ [annotations.rolloutApproved]: hash });
    expect(state()).toEqual(['a2 b1', 'a2 b1', 'a2 b1']);
    for (const namespace of namespaces) await confirm(namespace);
    await change('a', { v: '3' });
    await confirm('ns-b');
    expect(state()).toEqual(['a2 b1', 'a3 b1', 'a2 b1']);
  });

  it('is for overrides as well', async () => {
    await deployed();
    h.globalizations.put(globalization('all', { overrides: [setData({ v: '7' })] }));
    await h.idle();
    expect(state()).toEqual(['a1 b1', 'a7 b1', 'a1 b1']);
    await confirm('ns-b');
    expect(state()).toEqual(['a7 b1', 'a7 b1', 'a7 b1']);
  });

  it('can be paused, whatever the strategy, and goes on', async () => {
    await started();
    await annotate({ [annotations.rolloutPaused]: 'true' });
    await change('a', { v: '2' });
    expect(state()).toEqual(['a1 b1', 'a1 b1', 'a1 b1']);
    expect(rolledOut()).toBe('False Paused: paused; ns-a, ns-b, ns-c wait');
    await annotate({ [annotations.rolloutPaused]: undefined });
    expect(state()).toEqual(['a2 b1', 'a2 b1', 'a2 b1']);
    expect(rolledOut()).toBe('none');
  });

  it('changes nothing while its strategy cannot be understood, and says so', async () => {
    await started({ [annotations.rollout]: 'steps: 1' });
    await change('a', { v: '2' });
    expect(rolledOut()).toMatch(/^False InvalidStrategy: annotation apps.clusternet.io\/rollout of default\/app: steps: /);
  });
});
