// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { annotations, type Condition, finalizers } from '@clusternet/api-types';
import { Harness } from '../testing/harness.ts';
import {
  base,
  cluster,
  configMap,
  dedicated,
  feedTo,
  globalization,
  localization,
  manifest,
  objectsOf,
  setData,
} from '../testing/objects.ts';

let h: Harness;

beforeEach(() => {
  h = new Harness();
});
afterEach(() => h.stop());

const other = 'clusternet-other';
const put = (name: string, data?: Record<string, string>): unknown => h.manifests.put(manifest(configMap(name, data)));

/** A running engine with the feeds `a` and `b` in two clusters. */
function started(): Promise<void> {
  return h.startWith({ feeds: ['a', 'b'], regions: { [dedicated]: 'north', [other]: 'south' } });
}

function dataIn(namespace: string): unknown[] {
  return objectsOf(h.descriptions.live(`${namespace}/app-generic`)).map(({ data }) => data);
}

function applied(object: { status?: { conditions?: Condition[] } } | undefined): string {
  const condition = object?.status?.conditions?.find(({ type }) => type === 'Applied');
  return condition ? `${condition.status} ${condition.reason}: ${condition.message}` : 'none';
}

const one = { a: '1' };

describe('overrides', () => {
  it('of all clusters and of one are applied in turn; what is touched is written once, and nothing else', async () => {
    await started();
    h.globalizations.put(globalization('all', { overrides: [setData({ a: '2', b: '2' })] }));
    await h.idle();
    expect([dataIn(dedicated), dataIn(other)]).toEqual([
      [{ a: '2', b: '2' }, one],
      [{ a: '2', b: '2' }, one],
    ]);
    expect(h.requests.sort()).toEqual(['apply all', 'patch app-generic', 'patch app-generic']);
    h.forget();
    h.localizations.put(localization('here', { overrides: [setData({ a: '3' })] }));
    await h.idle();
    expect([dataIn(dedicated), dataIn(other)]).toEqual([
      [{ a: '3', b: '2' }, one],
      [{ a: '2', b: '2' }, one],
    ]);
    expect(h.requests.sort()).toEqual(['apply here', 'patch app-generic']);
    expect(applied(h.localizations.live(`${dedicated}/here`))).toBe('True Applied: in effect wherever the feed is deployed');
  });

  it('are taken back when they are deleted, or name another feed', async () => {
    await started();
    h.globalizations.put(globalization('all', { overrides: [setData({ a: '2' })] }));
    await h.idle();
    h.globalizations.put(globalization('all', { feed: 'b', overrides: [setData({ a: '2' })] }));
    await h.idle();
    expect(dataIn(dedicated)).toEqual([one, { a: '2' }]);
    h.globalizations.remove('all');
    await h.idle();
    expect(dataIn(dedicated)).toEqual([one, one]);
  });

  it('choose clusters by their labels as they are', async () => {
    await started();
    h.globalizations.put(
      globalization('south', { clusterAffinity: { matchLabels: { region: 'south' } }, overrides: [setData({ a: '2' })] }),
    );
    await h.idle();
    expect([dataIn(dedicated), dataIn(other)]).toEqual([
      [one, one],
      [{ a: '2' }, one],
    ]);
    expect(h.requests).toEqual(['patch app-generic', 'apply south']);
    h.clusters.put(cluster({ region: 'south' }));
    h.clusters.put(cluster({ region: 'north' }, other));
    await h.idle();
    expect([dataIn(dedicated), dataIn(other)]).toEqual([
      [{ a: '2' }, one],
      [one, one],
    ]);
  });

  it('leave a cluster as it is while its ManagedCluster is away', async () => {
    await started();
    h.globalizations.put(globalization('all', { clusterAffinity: {}, overrides: [setData({ a: '2' })] }));
    await h.idle();
    h.forget();
    h.clusters.erase(`${dedicated}/child`);
    await h.idle();
    expect(h.requests).toEqual([]);
    h.clusters.put(cluster({ region: 'north' }));
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ a: '2' }, one]);
  });

  it('stay with a feed that is created again', async () => {
    await started();
    h.globalizations.put(globalization('all', { overrides: [setData({ a: '2' })] }));
    await h.idle();
    h.manifests.erase('clusternet-reserved/configmaps.shop.a');
    await h.idle();
    expect(applied(h.globalizations.live('all'))).toBe(
      'False FeedNotFound: there is no v1/ConfigMap/shop/a to be deployed; the overrides apply once there is',
    );
    put('a', { a: '7', c: '7' });
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ a: '2', c: '7' }, one]);
    expect(applied(h.globalizations.live('all'))).toMatch(/^True Applied/);
  });

  it('say when nothing is deployed that they could change', async () => {
    await started();
    put('c');
    h.globalizations.put(globalization('c', { feed: 'c', overrides: [setData({ a: '2' })] }));
    h.globalizations.put(globalization('none', { overrides: [] }));
    await h.idle();
    expect(applied(h.globalizations.live('c'))).toMatch(/^False NotDeployed: no Subscription deploys v1\/ConfigMap\/shop\/c/);
    expect(applied(h.globalizations.live('none'))).toMatch(/^True NothingToApply/);
  });

  it('that do not fit stop their feed in their cluster alone, and say why', async () => {
    await started();
    h.localizations.put(
      localization('bad', { overrides: [{ name: 'x', type: 'JSONPatch', value: '[{"op":"remove","path":"/data/nope"}]' }] }),
    );
    h.globalizations.put(globalization('all', { overrides: [setData({ a: '2' })] }));
    h.globalizations.put(globalization('b', { feed: 'b', overrides: [setData({ a: '9' })] }));
    await h.idle();
    expect([dataIn(dedicated), dataIn(other)]).toEqual([
      [one, { a: '9' }],
      [{ a: '2' }, { a: '9' }],
    ]);
    const message = `Localization ${dedicated}/bad: override 1 "x" (JSONPatch): remove /data/nope: there is no /data/nope`;
    expect(h.description('app-generic')?.spec.skipped).toMatchObject([
      { name: 'a', reason: 'OverrideFailed', message: `${message}; what was deployed before stays` },
    ]);
    expect(applied(h.localizations.live(`${dedicated}/bad`))).toBe(`False OverrideFailed: ${message}; in ${dedicated}`);
    expect(applied(h.globalizations.live('all'))).toBe(`False Blocked: ${message}; in ${dedicated}`);
    h.localizations.remove(`${dedicated}/bad`);
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ a: '2' }, { a: '9' }]);
    expect(h.description('app-generic')?.spec.skipped).toBeUndefined();
    expect(applied(h.globalizations.live('all'))).toMatch(/^True Applied/);
  });

  it('cost no write for what changes nothing, nor for a restart', async () => {
    await started();
    h.globalizations.put(globalization('all', { overrides: [setData({ a: '2' })] }));
    h.globalizations.put(globalization('later', { overridePolicy: 'ApplyLater', overrides: [setData({ c: '2' })] }));
    await h.idle();
    h.forget();
    h.globalizations.change('all', ({ metadata }) => ({ metadata: { ...metadata, labels: { x: 'y' } } }));
    h.clusters.put(cluster({ region: 'west' }));
    await h.idle();
    await h.stop();
    await h.start();
    expect(h.requests).toEqual([]);
  });

  it('are let go when the existing system has put its finalizer on them', async () => {
    await started();
    h.globalizations.put(
      globalization('all', { overrides: [setData({ a: '2' })], metadata: { finalizers: [finalizers.default] } }),
    );
    await h.idle();
    h.globalizations.remove('all');
    await h.idle();
    expect(h.globalizations.liveKeys()).toEqual([]);
    expect(dataIn(dedicated)).toEqual([one, one]);
  });
});

describe('overrides of policy ApplyLater', () => {
  const later = (data: Record<string, string>): unknown =>
    h.globalizations.put(globalization('later', { overridePolicy: 'ApplyLater', overrides: [setData(data)] }));

  it('wait for the next change of the feed, also over a restart', async () => {
    await started();
    later({ x: '1' });
    await h.idle();
    expect(dataIn(dedicated)).toEqual([one, one]);
    expect(applied(h.globalizations.live('later'))).toMatch(
      /^False Waiting: .*ApplyLater.*, in clusternet-abcde, clusternet-other$/,
    );
    await h.stop();
    await h.start();
    put('b', { b: '1' });
    await h.idle();
    expect(dataIn(dedicated)).toEqual([one, { b: '1' }]);
    put('a', { a: '5' });
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ a: '5', x: '1' }, { b: '1' }]);
    expect(applied(h.globalizations.live('later'))).toMatch(/^True Applied/);
  });

  it('leave what they did when they are edited or deleted, until the next change', async () => {
    await started();
    later({ x: '1' });
    put('a', { a: '5' });
    await h.idle();
    later({ x: '2' });
    await h.idle();
    expect(dataIn(dedicated)[0]).toEqual({ a: '5', x: '1' });
    h.globalizations.remove('later');
    await h.idle();
    await h.stop();
    await h.start();
    expect(dataIn(dedicated)[0]).toEqual({ a: '5', x: '1' });
    put('a', { a: '6' });
    await h.idle();
    expect(dataIn(dedicated)[0]).toEqual({ a: '6' });
    expect(h.description('app-generic')?.metadata.annotations?.[annotations.renderedFrom]).toBeUndefined();
  });

  it('go along with another override of the feed that applies at once', async () => {
    await started();
    later({ x: '1' });
    await h.idle();
    h.localizations.put(localization('now', { overrides: [setData({ y: '1' })] }));
    await h.idle();
    expect([dataIn(dedicated)[0], dataIn(other)[0]]).toEqual([{ a: '1', x: '1', y: '1' }, one]);
  });

  it('are in effect from the start where nothing is deployed yet', async () => {
    await started();
    later({ x: '1' });
    h.bases.put(base('app', [feedTo('a')], { namespace: 'clusternet-new', uid: 'uid-new' }));
    await h.idle();
    expect([dataIn('clusternet-new'), dataIn(dedicated)]).toEqual([[{ a: '1', x: '1' }], [one, one]]);
  });

  it('apply at once when their policy becomes ApplyNow', async () => {
    await started();
    later({ x: '1' });
    await h.idle();
    h.globalizations.put(globalization('later', { overrides: [setData({ x: '1' })] }));
    await h.idle();
    expect(dataIn(dedicated)[0]).toEqual({ a: '1', x: '1' });
  });

  it('tell at once that they will not fit, and stop nothing until it is their turn', async () => {
    await started();
    h.globalizations.put(
      globalization('later', {
        overridePolicy: 'ApplyLater',
        overrides: [{ type: 'JSONPatch', value: '[{"op":"remove","path":"/x"}]' }],
      }),
    );
    await h.idle();
    expect(applied(h.globalizations.live('later'))).toMatch(/^False OverrideFailed: .*remove \/x: there is no \/x/);
    expect(h.description('app-generic')?.spec.skipped).toBeUndefined();
    put('a', { a: '5' });
    await h.idle();
    expect(dataIn(dedicated)[0]).toEqual(one);
    expect(h.description('app-generic')?.spec.skipped).toMatchObject([{ name: 'a', reason: 'OverrideFailed' }]);
  });
});

describe('a Base that awaits the shares of a division', () => {
  const share = (uid: string, value = '3') => {
    const made = localization('share', { feed: 'a', overrides: [setData({ replicas: value })] });
    return { ...made, metadata: { ...made.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Base', name: 'app', uid }] } };
  };
  const awaiting = (names: string) => {
    const made = base('app', [feedTo('a')], { uid: 'uid-app' });
    return { ...made, metadata: { ...made.metadata, annotations: { [annotations.awaitsLocalizations]: names } } };
  };

  it('is not rendered before they are there, each of this very Base', async () => {
    put('a', { replicas: '9' });
    h.bases.put(awaiting('share'));
    await h.start();
    expect(h.requests).toEqual([]);
    h.localizations.put(share('uid-of-an-earlier-one'));
    await h.idle();
    expect(h.description('app-generic')).toBeUndefined();
    h.localizations.put(share('uid-app'));
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ replicas: '3' }]);
  });

  it('stays as it is while one of them is gone', async () => {
    put('a', { replicas: '9' });
    h.bases.put(awaiting('share'));
    h.localizations.put(share('uid-app'));
    await h.start();
    h.localizations.remove(`${dedicated}/share`);
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ replicas: '3' }]);
    h.localizations.put(share('uid-app', '4'));
    await h.idle();
    expect(dataIn(dedicated)).toEqual([{ replicas: '4' }]);
  });
});
