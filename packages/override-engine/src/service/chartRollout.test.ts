// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { annotations, type HelmChart } from '@clusternet/api-types';
import { addUndoRequest, everyCluster } from '../rollout/undo.ts';
import { Harness } from '../testing/harness.ts';
import { base, configMap, feedTo, manifest, reserved } from '../testing/objects.ts';

let h: Harness;

beforeEach(() => {
  h = new Harness();
  h.historyLimit = 3;
});
afterEach(() => h.stop());

const feed = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'web' };

function putChart(timeoutSeconds: number): void {
  const chart = {
    ...{ apiVersion: feed.apiVersion, kind: feed.kind },
    metadata: { name: 'web', namespace: 'shop' },
    spec: { repo: 'https://charts.example', chart: 'web', version: '1.0.0', targetNamespace: 'shop', timeoutSeconds },
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

describe.each([
  ['a chart alone', [feed]],
  ['a chart beside other feeds', [feedTo('a'), feed]],
])('%s', (_, feeds) => {
  beforeEach(async () => {
    putChart(60);
    h.manifests.put(manifest(configMap('a')));
    h.subscriptions.put({
      apiVersion: feed.apiVersion,
      kind: 'Subscription',
      metadata: { name: 'app', namespace: 'default', uid: 'uid-app' },
      spec: { subscribers: [], feeds: [] },
    });
    h.bases.put(base('app', feeds));
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

  it('waits while its Subscription is paused', async () => {
    await annotate({ [annotations.rolloutPaused]: 'true' });
    putChart(90);
    await h.idle();
    expect(timeout()).toBe(60);
    await annotate({ [annotations.rolloutPaused]: undefined });
    expect(timeout()).toBe(90);
  });
});
