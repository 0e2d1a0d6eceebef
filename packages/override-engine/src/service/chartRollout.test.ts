// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { annotations, type Feed, type HelmChart } from '@clusternet/api-types';
import { addUndoRequest, everyCluster } from '../rollout/undo.ts';
import { Harness } from '../testing/harness.ts';
import { base, configMap, dedicated, feedTo, manifest, reserved } from '../testing/objects.ts';

let h: Harness;

beforeEach(() => {
  h = new Harness();
  h.historyLimit = 3;
});
afterEach(() => h.stop());

const dbFeed = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'db' };
const feed = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'web' };

function putChart(timeoutSeconds: number, name = 'web'): void {
  const chart = {
    ...{ apiVersion: feed.apiVersion, kind: feed.kind },
    metadata: { name, namespace: 'shop' },
    spec: { repo: 'https://charts.example', chart: name, version: '1.0.0', targetNamespace: 'shop', timeoutSeconds },
  } as unknown as HelmChart;
  const { metadata } = h.charts.put(chart);
  const status = { phase: 'Found' as const, version: '1.0.0', observedGeneration: metadata.generation };
  h.charts.put({ ...chart, metadata, status });
}

async function annotate(values: Record<string, string | undefined>): Promise<void> {
  const marks = values as Record<string, string>;
  h.subscriptions.change('default/app', ({ metadata }) => ({
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...marks } },
  }));
  await h.idle();
}

function timeout(): number | undefined {
  const raw = h.description('app-helm')?.spec.chartRaw?.[0];
  return raw === undefined ? undefined : (JSON.parse(Buffer.from(raw, 'base64').toString()) as HelmChart).spec.timeoutSeconds;
}

/** The charts that are deployed, and how. */
function deployed(): Record<string, number | undefined> {
  const { charts = [], chartRaw = [] } = h.description('app-helm')?.spec ?? {};
  return Object.fromEntries(
    charts.map(({ name }, index) => {
      const text = Buffer.from(chartRaw[index] ?? '', 'base64').toString();
      return [name, (JSON.parse(text) as HelmChart).spec.timeoutSeconds] as const;
    }),
  );
}

let minute = 0;

async function undo(revision: number): Promise<void> {
  const request = { id: new Date(Date.UTC(2026, 2, 2, 0, minute++)).toISOString(), revision };
  await annotate({ [annotations.rolloutUndo]: addUndoRequest(undefined, { namespace: everyCluster, request }) });
}

async function feeds(...list: Feed[]): Promise<void> {
  h.bases.change(`${dedicated}/app`, () => ({ spec: { feeds: list } }));
  await h.idle();
}

describe.each([
  ['a chart alone', [feed]],
  ['a chart beside other feeds', [feedTo('a'), feed]],
])('%s', (_, list) => {
  beforeEach(async () => {
    putChart(60);
    h.manifests.put(manifest(configMap('a')));
    h.subscriptions.put({
      apiVersion: feed.apiVersion,
      kind: 'Subscription',
      metadata: { name: 'app', namespace: 'default', uid: 'uid-app' },
      spec: { subscribers: [], feeds: [] },
    });
    h.bases.put(base('app', list));
    await h.start();
    expect(timeout()).toBe(60);
  });

  it('is kept in the history, taken back, held over a restart, and let go with the next change', async () => {
    putChart(90);
    await h.idle();
    expect(timeout()).toBe(90);
    expect(h.revisions.liveKeys()).toEqual([expect.stringMatching(`^${reserved}/app-[0-9a-f]{24}$`)]);
    const request = { id: '2026-03-02T00:00:00Z', revision: 1 };
    await annotate({ [annotations.rolloutUndo]: addUndoRequest(undefined, { namespace: everyCluster, request }) });
    expect(timeout()).toBe(60);
    h.forget();
    await h.stop();
    await h.start();
    expect(timeout()).toBe(60);
    expect(h.requests).toEqual([]);
    putChart(120);
    await h.idle();
    expect(timeout()).toBe(120);
  });

  it('comes back when it has left the Subscription, and goes when it was not there, until the list changes', async () => {
    putChart(70, 'db');
    await feeds(...list.filter((one) => one !== feed), dbFeed);
    expect(deployed()).toEqual({ db: 70 });
    await undo(1);
    expect(deployed()).toEqual({ web: 60 });
    h.forget();
    await h.stop();
    await h.start();
    expect(deployed()).toEqual({ web: 60 });
    expect(h.requests).toEqual([]);
    putChart(80, 'db');
    await h.idle();
    expect(deployed()).toEqual({ web: 60, db: 80 });
    await feeds(feed, dbFeed);
    expect(deployed()).toEqual({ web: 60, db: 80 });
    await feeds(dbFeed);
    expect(deployed()).toEqual({ db: 80 });
  });

  it('comes back when it was the only one and there is none any longer', async () => {
    await feeds(...list.filter((one) => one !== feed));
    h.forget();
    await undo(1);
    // What uninstalls it is not done yet.
    expect(h.requests).toEqual([expect.stringMatching(/^get app-/)]);
    h.letGo('app-helm');
    await h.idle();
    expect(deployed()).toEqual({ web: 60 });
  });

  it('is taken back although its chart is not found now, or its HelmChart is gone', async () => {
    putChart(90);
    await h.idle();
    h.charts.change('shop/web', ({ spec }) => ({ spec: { ...spec, version: '7.x' } }));
    h.charts.change('shop/web', () => ({ status: { phase: 'NotFound', reason: 'no such version' } }));
    await h.idle();
    expect(deployed()).toEqual({ web: 90 });
    await undo(1);
    expect(deployed()).toEqual({ web: 60 });
    h.charts.erase('shop/web');
    await h.idle();
    expect(deployed()).toEqual({ web: 60 });
    await undo(2);
    expect(deployed()).toEqual({ web: 90 });
    await h.stop();
    await h.start();
    expect(deployed()).toEqual({ web: 90 });
  });

  it('remembers which revisions were bad', async () => {
    const bad = (): unknown => {
      const first = h.description('app-generic') ?? h.description('app-helm');
      return (JSON.parse(first?.metadata.annotations?.[annotations.undone] ?? '{}') as { bad?: number[] }).bad;
    };
    putChart(90);
    await h.idle();
    await undo(1);
    expect(bad()).toEqual([2]);
    putChart(91);
    await h.idle();
    await undo(3);
    expect(bad()).toEqual([2, 4]);
    await undo(2);
    expect(bad()).toEqual([4, 3, 5]);
    expect(deployed()).toEqual({ web: 90 });
  });

  it('waits while its Subscription is paused', async () => {
    await annotate({ [annotations.rolloutPaused]: 'true' });
    putChart(90);
    await h.idle();
    expect(timeout()).toBe(60);
    await annotate({ [annotations.rolloutPaused]: undefined });
    expect(timeout()).toBe(90);
  });
});
