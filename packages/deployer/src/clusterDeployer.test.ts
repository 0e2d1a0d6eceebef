// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it, jest } from '@jest/globals';
import { annotations, type Feed, feedOf, type KubeObject, resources } from '@clusternet/api-types';
import { ApiError, core, resourceDefinition } from '@clusternet/client';
import { guardedSignal, Metrics } from '@clusternet/runtime';
import { StatusWriter } from './statusWriter.ts';
import { configMap, dedicated, eventually, Harness, namespaceObject, settle } from './testing/harness.ts';

const name = 'app-x2x4z-generic';
const app = [namespaceObject('shop'), configMap('shop', 'a'), configMap('shop', 'b')];
const widgets = resourceDefinition('example.org/v1', 'Widget', 'widgets', true);
const crd: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [
      { name: 'v1alpha1', served: true },
      { name: 'v1', served: true },
    ],
  },
};
const widget: KubeObject = {
  apiVersion: 'example.org/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'shop' },
  spec: { size: 1 },
};

const clockOf = (date: string): { monotonic: () => number; now: () => Date } => ({
  monotonic: () => performance.now(),
  now: () => new Date(date),
});
const invalid = (message: string): ApiError => new ApiError(message, { status: 422, reason: 'Invalid' });

async function reconciles(metrics: Metrics): Promise<number> {
  const found = /clusternet_reconcile_total\{name="deployer",result="requeue"\} (\d+)/.exec(await metrics.registry.metrics());
  return Number(found?.[1] ?? 0);
}

function statusOf(h: Harness, description = name) {
  return h.description(description)?.status;
}

function succeeded(h: Harness, generation?: number, description = name): Promise<true> {
  return eventually(() => {
    const live = h.description(description);
    return live?.status?.phase === 'Success' && live.status.observedGeneration === (generation ?? live.metadata.generation);
  });
}

async function deployed(h: Harness, objects = app): Promise<void> {
  h.describe(name, objects);
  await succeeded(h);
}

describe('applying', () => {
  it('brings every object into the child with one write each, marked with owner, hash and label', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    expect(h.child.sent('apply').sort()).toEqual(['ConfigMap/a', 'ConfigMap/b', 'Namespace/shop']);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.metadata).toMatchObject({
      labels: { 'clusternet.io/created-by': 'clusternet-hub' },
      annotations: { [annotations.ownedByDescription]: `${dedicated}.${name}`, [annotations.appliedHash]: expect.any(String) },
    });
  });

  it('looks at no object of a namespace that it has just made', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    expect(h.child.sent('get').filter((request) => !request.startsWith('Version'))).toEqual(['Namespace/shop']);
  });

  it('writes the status once: feeds in order, live status, confirmation', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    await settle(300);
    expect(h.parent.sent('status')).toHaveLength(1);
    expect(statusOf(h)?.manifestStatuses).toMatchObject([
      { kind: 'Namespace', name: 'shop', observedStatus: { phase: 'Active' } },
      { kind: 'ConfigMap', namespace: 'shop', name: 'a' },
      { kind: 'ConfigMap', namespace: 'shop', name: 'b' },
    ]);
    expect(h.events).toEqual([]);
  });

  it('sends only what changed on an update', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    h.child.forget();
    h.describe(name, [app[0] as KubeObject, configMap('shop', 'a', { a: '2' }), app[2] as KubeObject]);
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.['data']).toEqual({ a: '2' });
    expect(h.child.sent('apply')).toEqual(['ConfigMap/a']);
    expect(h.child.sent('get')).toEqual([]);
  });

  it('takes a field out that left the rendering', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h, [app[0] as KubeObject, configMap('shop', 'a', { a: '1', b: '2' })]);
    h.describe(name, [app[0] as KubeObject, configMap('shop', 'a', { a: '1' })]);
    await eventually(() => JSON.stringify(h.child.peek(core.configMaps, 'a', 'shop')?.['data']) === '{"a":"1"}');
  });

  it('applies a definition and its objects together', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h, [widget, app[0] as KubeObject, crd]);
    expect(h.child.peek(widgets, 'w', 'shop')?.['spec']).toEqual({ size: 1 });
  });

  it('treats two objects of one name but different kind as two', async () => {
    await using h = new Harness();
    h.start();
    const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'shop' }, spec: {} };
    await deployed(h, [app[0] as KubeObject, app[1] as KubeObject, service]);
    h.child.put(core.services, {
      ...(h.child.peek(core.services, 'a', 'shop') as KubeObject),
      status: { loadBalancer: { ip: '1.2.3.4' } },
    });
    await eventually(() =>
      statusOf(h)?.manifestStatuses?.some(({ kind, observedStatus }) => kind === 'Service' && observedStatus),
    );
    expect(statusOf(h)?.manifestStatuses?.find(({ kind }) => kind === 'ConfigMap')?.observedStatus).toBeUndefined();
  });

  it('leaves Descriptions of other namespaces and of charts alone', async () => {
    await using h = new Harness();
    const chart = h.describe('app-x2x4z-helm', [configMap('shop', 'chart')]);
    h.parent.put(resources.descriptions, { ...chart, spec: { ...chart.spec, deployer: 'Helm' } });
    h.start();
    await deployed(h);
    expect(h.child.peek(core.configMaps, 'chart', 'shop')).toBeUndefined();
  });
});

describe('after a restart', () => {
  it('looks once at each object and writes nothing', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    await h.stop();
    h.child.forget();
    h.parent.forget();
    h.start();
    await eventually(() => h.child.sent('get').length >= 3);
    await settle();
    expect(h.child.sent('get').sort()).toEqual(['ConfigMap/a', 'ConfigMap/b', 'Namespace/shop']);
    expect(h.child.sent('apply')).toEqual([]);
    expect(h.parent.sent('status')).toEqual([]);
  });

  it('deletes what was removed meanwhile', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    await h.stop();
    h.describe(name, app.slice(0, 2), { removed: [feedOf(app[2] as KubeObject)] });
    h.start();
    await eventually(() => h.child.peek(core.configMaps, 'b', 'shop') === undefined);
    await succeeded(h);
  });
});

describe('failures', () => {
  it('lets the other objects go on, names the failed one, and retries it alone', async () => {
    await using h = new Harness();
    let refusing = true;
    h.child.refuse = ({ verb, name: object }) =>
      refusing && verb === 'apply' && object === 'a' ? invalid('data: bad') : undefined;
    h.start();
    h.describe(name, app);
    await eventually(() => statusOf(h)?.phase === 'Failure');
    expect(h.child.peek(core.configMaps, 'b', 'shop')).toBeDefined();
    const status = statusOf(h);
    expect(status?.reason).toContain('ConfigMap shop/a: data: bad');
    expect(status?.observedGeneration).toBeUndefined();
    expect(status?.manifestStatuses?.[1]?.error).toMatchObject({ reason: 'Invalid', since: expect.any(String) });
    expect(h.events).toEqual(['DeployFailed']);
    h.child.forget();
    refusing = false;
    await succeeded(h);
    expect(new Set(h.child.sent('apply'))).toEqual(new Set(['ConfigMap/a']));
    expect(statusOf(h)?.manifestStatuses?.[1]?.error).toBeUndefined();
  });

  it('does not take a namespace that takes a write and goes all the same for applied, and makes it anew', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    const [ns] = app;
    const live = h.child.peek(core.namespaces, 'shop');
    if (!ns || !live) throw new Error('there is no namespace');
    h.child.put(core.namespaces, { ...live, metadata: { ...live.metadata, finalizers: ['e2e/wait'] } });
    h.child.drop(core.namespaces, 'shop');
    h.describe(name, [{ ...ns, metadata: { ...ns.metadata, labels: { more: 'yes' } } }, ...app.slice(1)]);
    await eventually(() => statusOf(h)?.manifestStatuses?.[0]?.error?.reason === 'NamespaceTerminating');
    const going = h.child.peek(core.namespaces, 'shop');
    if (!going) throw new Error('the namespace is gone too early');
    h.child.put(core.namespaces, { ...going, metadata: { ...going.metadata, finalizers: [] } });
    h.child.drop(core.namespaces, 'shop');
    await succeeded(h);
    expect(h.child.peek(core.namespaces, 'shop')?.metadata.labels).toMatchObject({ more: 'yes' });
  });

  it('sends a refused object once per back-off and does not rewrite the status', async () => {
    await using h = new Harness();
    h.child.refuse = ({ verb, name: object }) => (verb === 'apply' && object === 'a' ? invalid('no') : undefined);
    h.start({ random: () => 1 });
    h.describe(name, app);
    await eventually(() => statusOf(h)?.phase === 'Failure');
    await settle(400);
    expect(h.child.sent('apply').filter((object) => object === 'ConfigMap/a')).toHaveLength(1);
    expect(h.parent.sent('status')).toHaveLength(1);
  });

  it('reports a field that cannot change and deletes nothing', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    const uid = h.child.peek(core.configMaps, 'a', 'shop')?.metadata.uid;
    h.child.refuse = ({ verb, name: object }) =>
      verb === 'apply' && object === 'a' ? invalid('data: field is immutable when `immutable` is set') : undefined;
    h.describe(name, [app[0] as KubeObject, configMap('shop', 'a', { a: '2' })]);
    await eventually(() => statusOf(h)?.manifestStatuses?.[1]?.error?.reason === 'ImmutableField');
    expect(h.child.sent('delete')).toEqual([]);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.metadata.uid).toBe(uid);
  });

  it('tries a kind that the child does not know again, until it does', async () => {
    await using h = new Harness();
    h.start();
    h.describe(name, [app[0] as KubeObject, widget]);
    await eventually(() => statusOf(h)?.manifestStatuses?.[1]?.error?.reason === 'NoKind');
    h.describe(name, [app[0] as KubeObject, widget, crd]);
    await succeeded(h);
    expect(h.child.peek(widgets, 'w', 'shop')).toBeDefined();
  });

  it('keeps the time an object first failed over a restart', async () => {
    await using h = new Harness();
    h.child.refuse = ({ verb, name: object }) => (verb === 'apply' && object === 'a' ? invalid('no') : undefined);
    h.start({ clock: clockOf('2026-01-01T00:00:00Z') });
    h.describe(name, app);
    await eventually(() => statusOf(h)?.phase === 'Failure');
    await h.stop();
    h.start({ clock: clockOf('2026-01-02T00:00:00Z') });
    h.child.forget();
    await eventually(() => h.child.sent('apply').length > 0);
    await settle();
    expect(statusOf(h)?.manifestStatuses?.[1]?.error?.since).toBe('2026-01-01T00:00:00.000Z');
  });
});

describe('owners', () => {
  const foreign = `${dedicated}.other-b4d5f-generic`;
  const owned = (owner: string): KubeObject => ({
    ...configMap('shop', 'a', { a: 'theirs' }),
    metadata: { name: 'a', namespace: 'shop', annotations: { [annotations.ownedByDescription]: owner } },
  });

  it('leaves the object of another owner alone and says whose it is', async () => {
    await using h = new Harness();
    h.child.put(core.namespaces, namespaceObject('shop'));
    h.child.put(core.configMaps, owned(foreign));
    h.start();
    h.describe(name, app);
    await eventually(() => statusOf(h)?.phase === 'Failure');
    expect(statusOf(h)?.manifestStatuses?.[1]?.error).toMatchObject({
      reason: 'OwnedByOther',
      message: expect.stringContaining(foreign),
    });
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.['data']).toEqual({ a: 'theirs' });
    h.delete(name);
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.['data']).toEqual({ a: 'theirs' });
  });

  it('adopts what was there before, and lets go of it instead of deleting it', async () => {
    await using h = new Harness();
    h.child.put(core.namespaces, namespaceObject('shop'));
    h.child.put(core.configMaps, configMap('shop', 'a', { mine: 'x' }));
    h.start();
    await deployed(h);
    expect(h.child.peek(core.configMaps, 'a', 'shop')).toMatchObject({
      metadata: { annotations: { [annotations.adopted]: 'true' } },
      data: { mine: 'x', a: '1' },
    });
    h.describe(name, [app[0] as KubeObject, configMap('shop', 'a', { a: '2' })], { removed: [feedOf(app[2] as KubeObject)] });
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.metadata.annotations?.[annotations.adopted]).toBe('true');
    h.delete(name);
    await eventually(() => h.description(name) === undefined);
    const released = h.child.peek(core.configMaps, 'a', 'shop');
    expect(released?.metadata.labels?.['clusternet.io/created-by']).toBeUndefined();
    expect(released?.metadata.annotations?.[annotations.ownedByDescription]).toBeUndefined();
    expect(h.child.peek(core.configMaps, 'b', 'shop')).toBeUndefined();
  });

  it('marks what something else put into a new namespace before it as adopted', async () => {
    await using h = new Harness();
    h.child.refuse = ({ verb, kind }) => {
      // As a controller of the child does for each new namespace.
      if (verb === 'apply' && kind === 'ConfigMap' && !h.child.peek(core.configMaps, 'a', 'shop')) {
        h.child.put(core.configMaps, configMap('shop', 'a', { theirs: '1' }));
      }
      return undefined;
    };
    h.start();
    await deployed(h, app.slice(0, 2));
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.metadata.annotations?.[annotations.adopted]).toBe('true');
  });

  it('hands an object that moves to another Description over without deleting it', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    const uid = h.child.peek(core.configMaps, 'b', 'shop')?.metadata.uid;
    const other = 'other-b4d5f-generic';
    h.describe(other, [configMap('shop', 'b', { b: 'other' })]);
    await eventually(() => statusOf(h, other)?.phase === 'Failure');
    h.describe(name, app.slice(0, 2), { removed: [feedOf(app[2] as KubeObject)] });
    await succeeded(h, undefined, other);
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'b', 'shop')).toMatchObject({ metadata: { uid }, data: { b: 'other' } });
    expect(h.child.sent('delete')).toEqual([]);
  });

  it('tells who waits for an object that it is free also when the rest has to wait', async () => {
    await using h = new Harness();
    h.start({ random: () => 1 });
    await deployed(h);
    const other = 'other-b4d5f-generic';
    for (let refusals = 1; refusals <= 6; refusals++) {
      const before = h.child.sent('get').length;
      h.describe(other, [configMap('shop', 'b', { b: String(refusals) })]);
      await eventually(() => h.child.sent('get').length > before);
    }
    // Its next try of its own accord would be half a minute away.
    let away = true;
    h.child.refuse = ({ verb, kind, name: object }) => {
      if (!away) return undefined;
      if (kind !== 'Version') return verb === 'apply' && object === 'a' ? new Error('cut') : undefined;
      away = false;
      return new Error('away');
    };
    const changed = [app[0] as KubeObject, configMap('shop', 'a', { a: '2' })];
    h.describe(name, changed, { removed: [feedOf(app[2] as KubeObject)] });
    await succeeded(h, undefined, other);
    expect(h.child.peek(core.configMaps, 'b', 'shop')?.['data']).toEqual({ b: '6' });
  });

  it('lets an object move between the shards of one Base', async () => {
    await using h = new Harness();
    h.start();
    h.describe(name, app.slice(0, 2));
    h.describe(`${name}-2`, app.slice(2));
    await succeeded(h);
    await succeeded(h, undefined, `${name}-2`);
    h.describe(name, app);
    h.describe(`${name}-2`, []);
    await succeeded(h);
    await succeeded(h, undefined, `${name}-2`);
    h.delete(`${name}-2`);
    await eventually(() => h.description(`${name}-2`) === undefined);
    expect(h.child.peek(core.configMaps, 'b', 'shop')).toBeDefined();
    expect(h.child.sent('delete')).toEqual([]);
  });
});

describe('removing', () => {
  it('confirms the generation only when the removed objects are gone', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    const live = h.child.peek(core.configMaps, 'b', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...live, metadata: { ...live.metadata, finalizers: ['wait/here'] } });
    const before = statusOf(h)?.observedGeneration;
    h.describe(name, app.slice(0, 2), { removed: [feedOf(app[2] as KubeObject)] });
    await eventually(() => h.child.peek(core.configMaps, 'b', 'shop')?.metadata.deletionTimestamp);
    await settle();
    expect(statusOf(h)?.observedGeneration).toBe(before);
    const leaving = h.child.peek(core.configMaps, 'b', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...leaving, metadata: { ...leaving.metadata, finalizers: [] } });
    await succeeded(h);
  });

  it('keeps an object whose API version changes', async () => {
    await using h = new Harness();
    h.start();
    const old: KubeObject = { ...widget, apiVersion: 'example.org/v1alpha1' };
    await deployed(h, [app[0] as KubeObject, crd, old]);
    const uid = h.child.peek(widgets, 'w', 'shop')?.metadata.uid;
    h.describe(name, [app[0] as KubeObject, crd, widget], { removed: [feedOf(old)] });
    await succeeded(h);
    expect(h.child.peek(widgets, 'w', 'shop')).toMatchObject({ apiVersion: 'example.org/v1', metadata: { uid } });
    expect(h.child.sent('delete')).toEqual([]);
  });

  it('keeps an object whose API version changes also while it is refused', async () => {
    await using h = new Harness();
    h.start();
    const old: KubeObject = { ...widget, apiVersion: 'example.org/v1alpha1' };
    await deployed(h, [app[0] as KubeObject, crd, old]);
    h.child.refuse = ({ verb, kind }) => (verb === 'apply' && kind === 'Widget' ? invalid('no') : undefined);
    h.describe(name, [app[0] as KubeObject, crd, widget], { removed: [feedOf(old)] });
    await eventually(() => statusOf(h)?.phase === 'Failure');
    expect(h.child.peek(widgets, 'w', 'shop')).toBeDefined();
  });

  it('keeps an object that names its namespace now, where it was left to be default before', async () => {
    await using h = new Harness();
    h.start();
    const unnamed: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '1' } };
    await deployed(h, [namespaceObject('default'), unnamed]);
    h.describe(name, [namespaceObject('default'), configMap('default', 'a')], { removed: [feedOf(unnamed)] });
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'a', 'default')).toBeDefined();
  });

  it('does not spin while what has to go first takes its time', async () => {
    await using h = new Harness();
    const metrics = new Metrics();
    h.start({ metrics, random: () => 1 });
    await deployed(h, [...app, crd, widget]);
    const live = h.child.peek(widgets, 'w', 'shop') as KubeObject;
    h.child.put(widgets, { ...live, metadata: { ...live.metadata, finalizers: ['wait/here'] } });
    const before = await reconciles(metrics);
    h.delete(name);
    await eventually(() => h.child.peek(widgets, 'w', 'shop')?.metadata.deletionTimestamp);
    await settle(400);
    expect((await reconciles(metrics)) - before).toBeLessThan(10);
  });

  it('takes a kind that is gone for done', async () => {
    await using h = new Harness();
    h.start();
    const removed: Feed[] = [feedOf(widget)];
    h.describe(name, app, { removed });
    await succeeded(h);
  });

  it('does not delete an object that was made anew by somebody else', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    h.child.drop(core.configMaps, 'b', 'shop');
    h.child.put(core.configMaps, configMap('shop', 'b', { theirs: 'x' }));
    h.describe(name, app.slice(0, 2), { removed: [feedOf(app[2] as KubeObject)] });
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'b', 'shop')?.['data']).toEqual({ theirs: 'x' });
  });
});

describe('teardown', () => {
  it('deletes custom resources before their definition and the namespace last, then lets the Description go', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h, [...app, crd, widget]);
    h.child.forget();
    h.delete(name);
    await eventually(() => h.description(name) === undefined);
    const order = h.child.sent('delete');
    expect(order[0]).toBe('Widget/w');
    expect(order.slice(1, 3).sort()).toEqual(['ConfigMap/a', 'ConfigMap/b']);
    expect(order.slice(3).sort()).toEqual(['CustomResourceDefinition/widgets.example.org', 'Namespace/shop']);
    expect(h.child.peek(core.namespaces, 'shop')).toBeUndefined();
  });

  it('keeps the Description until every object is gone, and names the one that is not', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    let refusing = true;
    h.child.refuse = ({ verb, name: object }) =>
      refusing && verb === 'delete' && object === 'a'
        ? new ApiError('no right', { status: 403, reason: 'Forbidden' })
        : undefined;
    h.delete(name);
    await eventually(() => statusOf(h)?.phase === 'Uninstalling');
    expect(statusOf(h)?.reason).toContain('ConfigMap shop/a');
    expect(h.child.peek(core.configMaps, 'b', 'shop')).toBeUndefined();
    expect(h.child.peek(core.namespaces, 'shop')).toBeDefined();
    refusing = false;
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.namespaces, 'shop')).toBeUndefined();
  });

  it('keeps nothing of a Description in memory', async () => {
    await using h = new Harness();
    const forget = jest.spyOn(StatusWriter.prototype, 'forget');
    h.start();
    await deployed(h);
    const live = h.description(name) as KubeObject;
    h.parent.put(resources.descriptions, { ...live, metadata: { ...live.metadata, finalizers: [] } });
    // Until no write is put off that would look at the Description once more.
    await settle(1_200);
    expect(forget).not.toHaveBeenCalled();
    h.delete(name);
    await eventually(() => forget.mock.calls.some(([key]) => key === `${dedicated}/${name}`));
    forget.mockRestore();
  });

  it('finishes after a restart in the middle', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    await h.stop();
    h.delete(name);
    h.start();
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.configMaps, 'a', 'shop')).toBeUndefined();
  });

  it('leaves the objects where the hook says so', async () => {
    await using h = new Harness();
    h.start({ retain: async () => true });
    await deployed(h);
    h.delete(name);
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.configMaps, 'a', 'shop')).toBeDefined();
    expect(h.child.sent('delete')).toEqual([]);
  });
});

describe('a child that is away', () => {
  it('becomes one condition, and work goes on when it is back', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    h.child.down = true;
    h.describe(name, [app[0] as KubeObject, configMap('shop', 'a', { a: '2' }), app[2] as KubeObject]);
    await eventually(() => statusOf(h)?.conditions?.find(({ type }) => type === 'Reachable')?.status === 'False');
    expect(statusOf(h)).toMatchObject({ phase: 'Success', reason: '' });
    expect(statusOf(h)?.manifestStatuses?.every(({ error }) => error === undefined)).toBe(true);
    h.parent.forget();
    await settle(300);
    expect(h.parent.sent('status')).toEqual([]);
    h.child.down = false;
    await succeeded(h);
    expect(h.child.peek(core.configMaps, 'a', 'shop')?.['data']).toEqual({ a: '2' });
    expect(statusOf(h)?.conditions?.find(({ type }) => type === 'Reachable')?.status).toBe('True');
    expect(h.events).toEqual([]);
  });

  it('keeps a deletion until it can be carried out', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    h.child.down = true;
    h.delete(name);
    await settle(300);
    expect(h.description(name)).toBeDefined();
    h.child.down = false;
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.configMaps, 'a', 'shop')).toBeUndefined();
  });

  it('is not blamed for one API group that is unavailable', async () => {
    await using h = new Harness();
    h.child.refuse = ({ verb, name: object }) =>
      verb === 'apply' && object === 'a' ? new ApiError('unavailable', { status: 503, reason: 'ServiceUnavailable' }) : undefined;
    h.start();
    h.describe(name, app);
    await eventually(() => statusOf(h)?.phase === 'Failure');
    expect(statusOf(h)?.manifestStatuses?.[1]?.error?.reason).toBe('ServerError');
    expect(statusOf(h)?.conditions?.find(({ type }) => type === 'Reachable')?.status).toBe('True');
  });
});

describe('leadership', () => {
  it('writes nothing once it is over, although nobody has said so yet', async () => {
    await using h = new Harness();
    let overdue = false;
    h.start({ signal: guardedSignal([], () => (overdue ? new Error('overdue') : undefined)) });
    await deployed(h);
    h.child.forget();
    h.parent.forget();
    overdue = true;
    h.describe(name, app.slice(0, 2), { removed: [feedOf(app[2] as KubeObject)] });
    await settle();
    expect(h.child.requests).toEqual([]);
    expect(h.parent.sent('status')).toEqual([]);
  });

  it('stops in the middle of a wave, and leaves the finalizer to its successor', async () => {
    await using h = new Harness();
    let overdue = false;
    h.start({ concurrency: 1, signal: guardedSignal([], () => (overdue ? new Error('overdue') : undefined)) });
    await deployed(h);
    h.child.forget();
    h.parent.forget();
    h.child.refuse = ({ verb }) => {
      overdue ||= verb === 'delete';
      return undefined;
    };
    h.delete(name);
    await eventually(() => overdue);
    await settle();
    expect(h.child.sent('delete')).toHaveLength(1);
    expect(h.parent.sent('patch')).toEqual([]);
    await h.stop();
    h.child.refuse = () => undefined;
    h.start();
    await eventually(() => h.description(name) === undefined);
    expect(h.child.peek(core.namespaces, 'shop')).toBeUndefined();
  });

  it('does not let a Description go that is kept in the child, either', async () => {
    await using h = new Harness();
    let overdue = false;
    h.start({
      signal: guardedSignal([], () => (overdue ? new Error('overdue') : undefined)),
      retain: async () => (overdue = true),
    });
    await deployed(h);
    h.delete(name);
    await eventually(() => overdue);
    await settle();
    expect(h.parent.sent('patch')).toEqual([]);
    expect(h.description(name)).toBeDefined();
  });
});

describe('metrics', () => {
  it('tell of the queues and of each attempt', async () => {
    await using h = new Harness();
    const metrics = new Metrics();
    h.start({ metrics });
    await deployed(h);
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/clusternet_reconcile_total\{name="deployer",result="success"\} [1-9]/);
    expect(text).toMatch(/clusternet_workqueue_adds_total\{name="deployer-status"\} [1-9]/);
    expect(text).toContain('clusternet_workqueue_depth{name="deployer"} 0');
    expect(text).toContain('clusternet_deployer_objects_total{result="applied"} 3');
    await h.stop();
    expect(await metrics.registry.metrics()).not.toContain('clusternet_workqueue_depth{name="deployer"}');
  });
});

describe('recovery', () => {
  const watched = (h: Harness): Promise<unknown> => eventually(() => h.child.sent('list').length >= 2).then(() => settle(50));

  it('puts back a deleted object, and only that one', async () => {
    await using h = new Harness();
    h.start({ recovery: true });
    await deployed(h);
    await watched(h);
    h.child.forget();
    h.child.drop(core.configMaps, 'a', 'shop');
    await eventually(() => h.child.peek(core.configMaps, 'a', 'shop'));
    await settle();
    expect(h.child.sent('apply')).toEqual(['ConfigMap/a']);
  });

  it('puts back an object that was deleted before its watch began', async () => {
    await using h = new Harness();
    let deletions = 0;
    h.child.refuse = ({ verb, kind }) => {
      if (verb === 'list' && kind === 'ConfigMap' && deletions++ === 0) h.child.drop(core.configMaps, 'a', 'shop');
      return undefined;
    };
    h.start({ recovery: true });
    await deployed(h);
    await eventually(() => deletions > 0 && h.child.peek(core.configMaps, 'a', 'shop'));
    await succeeded(h);
  });

  it('puts back a changed object and leaves additions alone', async () => {
    await using h = new Harness();
    h.start({ recovery: true });
    await deployed(h);
    await watched(h);
    const live = h.child.peek(core.configMaps, 'a', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...live, data: { a: 'changed', added: 'x' } });
    await eventually(() => JSON.stringify(h.child.peek(core.configMaps, 'a', 'shop')?.['data']) === '{"a":"1","added":"x"}');
    h.child.forget();
    const now = h.child.peek(core.configMaps, 'a', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...now, data: { a: '1', added: 'y' } });
    await eventually(() => h.child.sent('get').length > 0);
    await settle();
    expect(h.child.sent('apply')).toEqual([]);
  });

  it('puts back a lost label, without which the object would not be watched', async () => {
    await using h = new Harness();
    h.start({ recovery: true });
    await deployed(h);
    await watched(h);
    const live = h.child.peek(core.configMaps, 'a', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...live, metadata: { ...live.metadata, labels: {} } });
    await eventually(() => h.child.peek(core.configMaps, 'a', 'shop')?.metadata.labels?.['clusternet.io/created-by']);
  });

  it('does not fight a controller that changes an object back each time', async () => {
    await using h = new Harness();
    h.start({ recovery: true });
    await deployed(h);
    await watched(h);
    h.child.forget();
    let repairs = 0;
    h.child.refuse = ({ verb, name: object }) => {
      if (verb === 'apply' && object === 'a') {
        repairs++;
        setTimeout(() => {
          const live = h.child.peek(core.configMaps, 'a', 'shop') as KubeObject;
          h.child.put(core.configMaps, { ...live, data: { a: 'no' } });
        }, 5);
      }
      return undefined;
    };
    const live = h.child.peek(core.configMaps, 'a', 'shop') as KubeObject;
    h.child.put(core.configMaps, { ...live, data: { a: 'no' } });
    await eventually(() => repairs >= 3);
    await settle(500);
    expect(repairs).toBe(3);
    await eventually(() => statusOf(h)?.conditions?.some(({ type, status }) => type === 'Contested' && status === 'True'));
    expect(h.events).toEqual(['ObjectContested']);
  });

  it('is off unless asked for', async () => {
    await using h = new Harness();
    h.start();
    await deployed(h);
    await watched(h);
    h.child.forget();
    h.child.drop(core.configMaps, 'a', 'shop');
    await settle(200);
    expect(h.child.peek(core.configMaps, 'a', 'shop')).toBeUndefined();
  });

  it('finds the objects of a Description whose name holds dots', async () => {
    await using h = new Harness();
    h.start({ recovery: true });
    const dotted = 'shop.v1.2-x2x4z-generic';
    h.describe(dotted, app);
    await succeeded(h, undefined, dotted);
    await watched(h);
    h.child.drop(core.configMaps, 'a', 'shop');
    await eventually(() => h.child.peek(core.configMaps, 'a', 'shop'));
  });
});

describe('live status', () => {
  it('gathers changes into few writes', async () => {
    await using h = new Harness();
    h.start();
    const deployment: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {},
    };
    await deployed(h, [app[0] as KubeObject, deployment]);
    await eventually(() => h.child.sent('list').length >= 2);
    h.parent.forget();
    for (let replicas = 1; replicas <= 30; replicas++) {
      const live = h.child.peek(core.deployments, 'web', 'shop') as KubeObject;
      h.child.put(core.deployments, { ...live, status: { replicas } });
      await settle(5);
    }
    await eventually(
      () => (statusOf(h)?.manifestStatuses?.[1]?.observedStatus as { replicas?: number } | undefined)?.replicas === 30,
    );
    expect(h.parent.sent('status').length).toBeLessThan(10);
  });
});
