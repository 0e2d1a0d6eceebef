// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { annotations, type KubeObject, labels, type ResourceDefinition } from '@clusternet/api-types';
import { ApiError, type KubeClient } from '@clusternet/client';
import { encodeRevision, everyCluster, latestUndoRequest } from '@clusternet/override-engine';
import { coloursFor } from '../../output/colours.ts';
import { type Session } from '../session.ts';
import { rollout, type RolloutOptions } from './rollout.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const configMap = (colour: string): string =>
  base64(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' }, data: { colour } }));
const helmChart = (version: string): string =>
  base64(
    JSON.stringify({
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'HelmChart',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { repo: 'https://charts.example.com', chart: 'web', version, targetNamespace: 'shop' },
    }),
  );

interface ClusterState {
  /** What it had in each revision, `-` where it did not change; the last one is deployed. */
  revisions: string;
  bad?: number[];
  chart?: boolean;
}

/** A parent with one Subscription in these clusters, whose override engine follows at once. */
function parentWith(clusters: Record<string, ClusterState>): {
  run: (o: Partial<RolloutOptions>) => Promise<string>;
  undos: () => number[];
  request: () => string | undefined;
  onPatch: (() => void)[];
} {
  const subscription: KubeObject = {
    apiVersion: 'a',
    kind: 'Subscription',
    metadata: { name: 'app', namespace: 'default', uid: 'u', resourceVersion: '1', annotations: {} },
  };
  const onPatch: (() => void)[] = [];
  const lists: Record<string, KubeObject[]> = { Base: [], Description: [], ControllerRevision: [], ManagedCluster: [] };
  for (const [name, { revisions: text, bad = [], chart = false }] of Object.entries(clusters)) {
    const revisions = text.split(' ').flatMap((value, index) => (value === '-' ? [] : [[index + 1, value] as const]));
    const namespace = `ns-${name}`;
    const metadata = { namespace, labels: { [labels.configUid]: `uid-${name}`, [labels.subsUid]: 'u' } };
    const [number, value] = revisions.at(-1) ?? [1, ''];
    const undone = { id: '2026-01-01T00:00:00Z', revision: 1, feeds: '', with: [], without: {}, bad };
    const history = revisions
      .slice(0, -1)
      .map(([revision]) => ({ revision, replacedAt: '2026-01-01T00:00:00Z', kept: `${name}-${revision}` }));
    const marks = {
      [annotations.revisionHistory]: JSON.stringify(history),
      [annotations.revision]: String(number),
      [annotations.undone]: JSON.stringify(undone),
    };
    const spec = chart
      ? { deployer: 'Helm', charts: [{ name: 'web', namespace: 'shop' }], chartRaw: [helmChart(value)], raw: [base64(' ')] }
      : { deployer: 'Generic', raw: [configMap(value)] };
    const own = { apiVersion: 'a', ...{ kind: '' } };
    lists['ManagedCluster']?.push({ ...own, metadata: { name, namespace } });
    lists['Base']?.push({ ...own, metadata: { name: 'app', namespace, uid: `uid-${name}` } });
    lists['Description']?.push({
      ...own,
      metadata: { ...metadata, name: chart ? 'app-helm' : 'app-generic', annotations: marks },
      spec,
    });
    for (const [at, earlier] of revisions.slice(0, -1)) {
      const [key, raw] = chart ? ['c', `${helmChart(earlier)}.${base64(' ')}`] : ['a', configMap(earlier)];
      const data = encodeRevision(new Map([[key, raw]]));
      lists['ControllerRevision']?.push({ ...own, metadata: { name: `${name}-${at}` }, data });
    }
  }
  const request = () => subscription.metadata.annotations?.[annotations.rolloutUndo];
  const resource = ({ kind }: ResourceDefinition) => ({
    get: async () => structuredClone(subscription),
    list: async () => ({ items: lists[kind] ?? [] }),
    patch: async (_ref: object, { metadata }: { metadata: KubeObject['metadata'] }) => {
      onPatch.shift()?.();
      if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== subscription.metadata.resourceVersion)
        throw new ApiError('changed meanwhile', { status: 409, reason: 'Conflict' });
      Object.assign(subscription.metadata.annotations ?? {}, metadata.annotations);
      subscription.metadata.resourceVersion = String(Number(subscription.metadata.resourceVersion) + 1);
      const { id = '' } = latestUndoRequest(request()) ?? {};
      for (const { metadata: own } of lists['Description'] ?? [])
        Object.assign(own.annotations ?? {}, { [annotations.undone]: JSON.stringify({ id, revision: 1 }) });
    },
  });
  let text = '';
  const session = {
    client: { resource } as unknown as KubeClient,
    namespace: 'default',
    now: () => Date.parse('2026-03-01T00:00:00Z'),
    signal: new AbortController().signal,
    output: {
      write: (more: string) => (text += more),
      note: (more: string) => (text += more),
      colours: coloursFor({ isTTY: false }),
      isTerminal: false,
    },
  } as unknown as Session;
  const requests: number[] = [];
  return {
    onPatch,
    request,
    undos: () => requests,
    run: async (o) => {
      text = '';
      await rollout(session, { action: 'undo', name: 'app', ...o });
      if ((o.action ?? 'undo') === 'undo') requests.push(latestUndoRequest(request())?.revision ?? 0);
      return text;
    },
  };
}

describe('rollout undo without a revision', () => {
  const undone: ClusterState = { revisions: 'blue red blue', bad: [2] };
  it.each<[string, Record<string, ClusterState>, number | RegExp, string]>([
    ['goes to the one before', { eu: { revisions: 'blue red' } }, 1, ''],
    ['never goes to what one cluster was taken back from', { eu: { revisions: 'blue red' }, us: undone }, 1, ''],
    ['nor in another cluster, which has moved on', { eu: { revisions: 'blue red - white' }, us: undone }, 1, 'eu'],
    ['nor to the same under another number', { eu: { revisions: 'blue red blue red white', bad: [2] } }, 3, ''],
    [
      'goes to what it was taken back to, also where that lies between bad ones',
      { eu: { revisions: 'blue red blue white', bad: [2, 3] }, us: { revisions: 'blue red - blue white', bad: [2] } },
      4,
      '',
    ],
    ['says when only such ones are left', { eu: undone }, /but those that are the same or were taken back before/, ''],
    ['says when there is none', { eu: { revisions: 'blue' } }, /there is no earlier revision$/, ''],
    ['goes back with charts alone', { eu: { revisions: '1.0.0 2.0.0', chart: true } }, 1, ''],
  ])('%s', async (_, clusters, expected, cluster) => {
    const parent = parentWith(clusters);
    const done = parent.run(cluster === '' ? {} : { cluster });
    if (expected instanceof RegExp) return expect(done).rejects.toThrow(expected);
    expect(await done).toMatch(new RegExp(`taken back to revision ${expected} in `));
    expect(parent.undos()).toEqual([expected]);
  });
});

describe('rollout undo', () => {
  const two: ClusterState = { revisions: 'blue red' };

  it('goes to a bad one when a person says so', async () => {
    const parent = parentWith({ eu: { revisions: 'blue red blue', bad: [2] } });
    expect(await parent.run({ revision: 2 })).toMatch(/taken back to revision 2/);
  });

  it('keeps the request of somebody who was faster, and is later than any, whatever the clock', async () => {
    const parent = parentWith({ eu: two, us: two });
    await parent.run({ cluster: 'eu', revision: 1 });
    const first = latestUndoRequest(parent.request())?.id ?? '';
    await parent.run({ cluster: 'us', revision: 1 });
    const requests = JSON.parse(parent.request() ?? '') as Record<string, { id: string }>;
    expect(Object.keys(requests)).toEqual(['ns-eu', 'ns-us']);
    expect((requests['ns-us']?.id ?? '') > first).toBe(true);
    parent.onPatch.push(() => {
      throw new ApiError('changed meanwhile', { status: 409, reason: 'Conflict' });
    });
    await parent.run({ revision: 1 });
    expect(Object.keys(JSON.parse(parent.request() ?? '') as object)).toEqual([everyCluster]);
  });
});

describe('rollout history, diff and status', () => {
  it('know of charts where there is nothing else', async () => {
    const parent = parentWith({ eu: { revisions: '1.0.0 2.0.0', chart: true } });
    expect(await parent.run({ action: 'history' })).toMatch(
      /^2 +1 +in eu +apps\.clusternet\.io\/v1alpha1\/HelmChart\/shop\/web$/m,
    );
    expect(await parent.run({ action: 'diff' })).toMatch(/^-\s+version: 2\.0\.0\n\+\s+version: 1\.0\.0$/m);
    expect(await parent.run({ action: 'status' })).toMatch(/^eu +2 /m);
  });
});
