// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Base, type Feed, labels } from '@clusternet/api-types';
import { apiError } from '../testing/fakeCollection.ts';
import { Harness } from '../testing/harness.ts';
import { base, configMap, dedicated, feedTo, manifest, namesIn, objectsOf, textFor } from '../testing/objects.ts';

const key = (name: string): string => `${dedicated}/${name}`;
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `cm-${i}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let h: Harness;

beforeEach(() => {
  h = new Harness();
});
afterEach(() => h.stop());

function put(name: string, data?: Record<string, string>): void {
  h.manifests.put(manifest(configMap(name, data)));
}

function drop(name: string): void {
  h.manifests.erase(`clusternet-reserved/configmaps.shop.${name}`);
}

/** A running engine with one Base `app` of these feeds, all of which have Manifests, and its Description. */
async function started(...names: string[]): Promise<void> {
  for (const name of names) put(name);
  h.bases.put(base('app', names.map(feedTo)));
  await h.start();
  h.forget();
}

function setFeeds(name: string, feeds: Feed[]): void {
  h.bases.change(key(name), () => ({ spec: { feeds } }));
}

/** Deletes a Base as the hub does. */
function unbind(name: string): void {
  h.bases.remove(key(name));
}

describe('a Base that goes while another one feeds the same', () => {
  /** Two Bases of one cluster that feed `a`, the older of which owns it. */
  async function shared(): Promise<void> {
    put('a');
    for (const [name, day] of [
      ['old', 1],
      ['young', 2],
    ] as const)
      h.bases.put(base(name, [feedTo('a')], { creationTimestamp: `2026-01-0${day}T00:00:00Z` }));
    await h.start();
    h.forget();
  }

  it('keeps its Descriptions until the other one has what it takes over: a deployer without an heir would delete it', async () => {
    await shared();
    h.onRequest = (request) => (request.startsWith('patch young') ? pause(200) : undefined);
    unbind('old');
    await h.idle();
    expect(h.requests.slice(0, 2)).toEqual(['patch young-generic', 'delete old-generic']);
    expect(namesIn(h.description('young-generic'))).toEqual(['a']);
  });

  it('goes after a while when the other one cannot have it', async () => {
    await shared();
    let failures = 0;
    h.onRequest = (request) => {
      if (!request.startsWith('patch young')) return;
      failures += 1;
      h.now = new Date(h.now.getTime() + 4000);
      throw apiError(500, 'InternalError');
    };
    unbind('old');
    while (!h.requests.includes('delete old-generic')) await pause(20);
    expect(failures).toBeGreaterThan(0);
  });
});

describe('writes', () => {
  it('are one per Base to create it, however many feeds', async () => {
    const names = numbered(20);
    await h.start();
    for (const name of names) put(name);
    for (const namespace of ['x', 'y', 'z']) h.bases.put(base('app', names.map(feedTo), { namespace }));
    await h.idle();
    expect(h.requests).toEqual(['create app-generic', 'create app-generic', 'create app-generic']);
    for (const namespace of ['x', 'y', 'z']) expect(namesIn(h.descriptions.live(`${namespace}/app-generic`))).toEqual(names);
  });

  it('are at most two per Base for a burst of edits', async () => {
    const names = numbered(20);
    for (const name of names) put(name);
    for (const namespace of ['x', 'y']) h.bases.put(base('app', names.map(feedTo), { namespace }));
    await h.start();
    h.forget();
    for (const name of names) {
      put(name, { edited: 'yes' });
      await pause(2);
    }
    await h.idle();
    expect(h.requests.length).toBeLessThanOrEqual(4);
    const objects = ['x', 'y'].flatMap((namespace) => objectsOf(h.descriptions.live(`${namespace}/app-generic`)));
    expect(objects.map(({ data }) => data)).toEqual(Array.from({ length: 40 }, () => ({ edited: 'yes' })));
  });

  it('are none for what changes nothing: status, a restart, a Manifest that is the same again', async () => {
    await started('a', 'b');
    h.confirm('app-generic');
    put('a');
    h.bases.change(key('app'), ({ metadata }) => ({ metadata: { ...metadata, annotations: { x: 'y' } } }));
    await h.idle();
    await h.stop();
    await h.start();
    expect(h.requests).toEqual([]);
  });

  it('are not repeated while the informer lags behind', async () => {
    await h.start();
    h.descriptions.lagging = true;
    put('a');
    h.bases.put(base('app', [feedTo('a')]));
    await h.idle();
    put('a');
    await h.idle();
    put('a', { edited: 'yes' });
    await h.idle();
    expect(h.requests).toEqual(['create app-generic', 'patch app-generic']);
    h.descriptions.deliver();
    await h.idle();
    expect(h.requests).toHaveLength(2);
  });

  it('concern only the Bases that have the feed', async () => {
    await started('a');
    put('b');
    h.bases.put(base('other', [feedTo('b')]));
    await h.idle();
    h.forget();
    put('b', { edited: 'yes' });
    await h.idle();
    expect(h.requests).toEqual(['patch other-generic']);
  });

  it('wait for a complete list of Manifests: one not listed yet is not gone', async () => {
    const listed = Promise.withResolvers<void>();
    h.manifests.waitForSync = () => listed.promise;
    h.bases.put(base('app', [feedTo('a')]));
    const running = h.start();
    await pause(20);
    expect(h.requests).toEqual([]);
    put('a');
    listed.resolve();
    await running;
    expect(namesIn(h.description('app-generic'))).toEqual(['a']);
  });
});

describe('a Description', () => {
  it('gets a feed when its Manifest comes, and lets go of one that goes', async () => {
    await started('a');
    setFeeds('app', [feedTo('a'), feedTo('late')]);
    await h.idle();
    put('late');
    await h.idle();
    expect(namesIn(h.description('app-generic'))).toEqual(['a', 'late']);
    expect(h.description('app-generic')?.spec.skipped).toBeUndefined();
    drop('a');
    await h.idle();
    expect(namesIn(h.description('app-generic'))).toEqual(['late']);
    expect(h.description('app-generic')?.spec.removed).toEqual([feedTo('a')]);
  });

  it('comes back when somebody deletes it, once its objects are gone', async () => {
    await started('a');
    h.descriptions.remove(key('app-generic'));
    await h.idle();
    expect(h.requests).toEqual([]);
    h.letGo('app-generic');
    await h.idle();
    expect(h.requests).toEqual(['create app-generic']);
    expect(namesIn(h.description('app-generic'))).toEqual(['a']);
  });

  it.each([
    ['spec', () => h.descriptions.change(key('app-generic'), () => ({ spec: { deployer: 'Generic', raw: [] } }))],
    [
      'labels',
      () => h.descriptions.change(key('app-generic'), ({ metadata }) => ({ metadata: { ...metadata, labels: { mine: 'x' } } })),
    ],
    [
      'owner',
      () => h.descriptions.change(key('app-generic'), ({ metadata }) => ({ metadata: { ...metadata, ownerReferences: [] } })),
    ],
  ])('is put right when somebody changes its %s', async (_what, change) => {
    await started('a');
    const { spec, metadata } = h.description('app-generic') ?? {};
    change();
    await h.idle();
    const now = h.description('app-generic');
    expect(h.requests).toEqual(['patch app-generic']);
    expect(now?.spec).toEqual(spec);
    expect(now?.metadata.labels).toMatchObject(metadata?.labels ?? {});
    expect(now?.metadata.ownerReferences).toEqual(metadata?.ownerReferences);
  });

  it('follows the labels of its Base', async () => {
    await started('a');
    h.bases.change(key('app'), ({ metadata }) => ({
      metadata: { ...metadata, labels: { ...metadata.labels, [labels.clusterName]: 'edge' } },
    }));
    await h.idle();
    expect(h.requests).toEqual(['patch app-generic']);
    expect(h.description('app-generic')?.metadata.labels).toMatchObject({ [labels.clusterName]: 'edge' });
  });

  it('that is not the first goes once it is empty and the deployer says so', async () => {
    put('a', { text: textFor(700_000) });
    put('b', { text: textFor(700_000) });
    h.bases.put(base('app', [feedTo('a'), feedTo('b')]));
    await h.start();
    expect(h.descriptions.liveKeys()).toEqual([key('app-generic'), key('app-generic-2')]);
    h.forget();
    setFeeds('app', [feedTo('a')]);
    await h.idle();
    expect(h.requests).toEqual(['patch app-generic-2']);
    h.confirm('app-generic-2');
    await h.idle();
    expect(h.requests).toEqual(['patch app-generic-2', 'delete app-generic-2']);
    h.letGo('app-generic-2');
    await h.idle();
    expect([h.descriptions.liveKeys(), h.requests.length]).toEqual([[key('app-generic')], 2]);
  });
});

describe('a write that fails', () => {
  it('is not tried again while another one of its Base is under way', async () => {
    put('a', { text: textFor(700_000) });
    put('b', { text: textFor(700_000) });
    h.bases.put(base('app', [feedTo('a'), feedTo('b')]));
    await h.start();
    h.forget();
    const slow = Promise.withResolvers<void>();
    h.onRequest = async (request) => {
      if (request === 'patch app-generic') throw apiError(500, 'InternalError');
      await slow.promise;
    };
    put('a', { edited: 'yes' });
    put('b', { edited: 'yes' });
    // Far longer than the first back-off.
    await pause(500);
    expect(h.requests).toEqual(['patch app-generic', 'patch app-generic-2']);
    h.onRequest = () => undefined;
    slow.resolve();
    await h.idle();
    expect(h.requests).toEqual(['patch app-generic', 'patch app-generic-2', 'patch app-generic']);
  });
});

describe('an object that moves to another Description', () => {
  beforeEach(async () => {
    await started('a', 'b');
    put('a', { text: textFor(500_000) });
    await h.idle();
    h.forget();
  });

  it('is written there first', async () => {
    put('b', { text: textFor(700_000) });
    await h.idle();
    expect(h.requests).toEqual(['create app-generic-2', 'patch app-generic']);
  });

  it('stays listed where it was while that fails', async () => {
    const failing = Promise.withResolvers<void>();
    h.onRequest = (request) => {
      if (!request.startsWith('create')) return;
      failing.resolve();
      throw apiError(500, 'InternalError');
    };
    put('b', { text: textFor(700_000) });
    await failing.promise;
    await pause(20);
    expect(namesIn(h.description('app-generic'))).toEqual(['a', 'b']);
    h.onRequest = () => undefined;
    await h.idle();
    expect([namesIn(h.description('app-generic')), namesIn(h.description('app-generic-2'))]).toEqual([['a'], ['b']]);
  });
});

describe('a conflict', () => {
  it('with a status that the informer does not show yet is read again and retried at once', async () => {
    await started('a');
    h.descriptions.lagging = true;
    h.confirm('app-generic');
    put('a', { edited: 'yes' });
    await h.idle();
    expect(h.requests).toEqual(['patch app-generic', 'get app-generic', 'patch app-generic']);
    expect(objectsOf(h.description('app-generic'))).toEqual([configMap('a', { edited: 'yes' })]);
    h.descriptions.deliver();
    await h.idle();
    expect(h.requests).toHaveLength(3);
  });

  it('with a Description made meanwhile ends in the right one', async () => {
    await h.start();
    h.descriptions.lagging = true;
    put('a');
    h.bases.put(base('app', [feedTo('a')]));
    await h.idle();
    await h.stop();
    h.forget();
    // Another leader, whose informer shows what the first one's showed.
    await h.start();
    expect(h.requests).toEqual(['create app-generic', 'get app-generic']);
  });

  it('with another change of what was written is rendered anew', async () => {
    await started('a');
    h.descriptions.lagging = true;
    h.descriptions.change(key('app-generic'), () => ({ spec: { deployer: 'Generic', raw: [] } }));
    put('a', { edited: 'yes' });
    await h.idle();
    expect(objectsOf(h.description('app-generic'))).toEqual([configMap('a', { edited: 'yes' })]);
  });

  it('that never ends is given up for a while, and then tried again', async () => {
    await started('a');
    let refused = 0;
    h.onRequest = (request) => {
      if (request.startsWith('patch') && ++refused <= 5) throw apiError(409, 'Conflict');
    };
    put('a', { edited: 'yes' });
    await h.idle();
    expect(refused).toBe(6);
    expect(objectsOf(h.description('app-generic'))).toEqual([configMap('a', { edited: 'yes' })]);
  });
});

describe('the end of a Base', () => {
  it('deletes its Descriptions, waits for their objects, and lets it go', async () => {
    await started('a');
    unbind('app');
    await h.idle();
    expect(h.requests).toEqual(['delete app-generic']);
    expect(h.bases.live(key('app'))).toBeDefined();
    h.letGo('app-generic');
    await h.idle();
    expect(h.requests).toEqual(['delete app-generic', 'patch app']);
    expect(h.bases.live(key('app'))).toBeUndefined();
    expect(h.descriptions.liveKeys()).toEqual([]);
  });

  it('does not come before Descriptions that the informer does not show yet', async () => {
    await h.start();
    h.descriptions.lagging = true;
    put('a');
    h.bases.put(base('app', [feedTo('a')]));
    await h.idle();
    unbind('app');
    await h.idle();
    h.bases.change(key('app'), ({ metadata }) => ({ metadata: { ...metadata, labels: { mine: 'y' } } }));
    await h.idle();
    expect(h.bases.live(key('app'))).toBeDefined();
    h.letGo('app-generic');
    h.descriptions.deliver();
    await h.idle();
    expect(h.bases.live(key('app'))).toBeUndefined();
  });

  it('leaves the finalizers of others', async () => {
    await started();
    h.bases.change(key('app'), ({ metadata }) => ({
      metadata: { ...metadata, finalizers: ['example.com/wait', ...(metadata.finalizers ?? [])] },
    }));
    unbind('app');
    await h.idle();
    h.letGo('app-generic');
    await h.idle();
    expect(h.bases.live(key('app'))?.metadata.finalizers).toEqual(['example.com/wait']);
  });

  it('is tried again when the Base changed meanwhile', async () => {
    await started('a');
    let conflicts = 0;
    h.onRequest = (request) => {
      if (request === 'patch app' && conflicts++ === 0) throw apiError(409, 'Conflict');
    };
    unbind('app');
    await h.idle();
    h.letGo('app-generic');
    await h.idle();
    expect([conflicts, h.bases.live(key('app'))]).toEqual([2, undefined]);
  });

  it('is remembered over a restart', async () => {
    await started('a');
    await h.stop();
    unbind('app');
    h.descriptions.remove(key('app-generic'));
    h.letGo('app-generic');
    await h.start();
    expect(h.bases.live(key('app'))).toBeUndefined();
  });
});

describe('two Bases of a cluster with one feed', () => {
  const bases = (): [Base, Base] => [
    base('old', [feedTo('a'), feedTo('shared')], { creationTimestamp: '2026-01-01T00:00:00Z' }),
    base('young', [feedTo('b'), feedTo('shared')], { creationTimestamp: '2026-01-02T00:00:00Z' }),
  ];

  beforeEach(async () => {
    for (const name of ['a', 'b', 'shared']) put(name);
    for (const one of bases()) h.bases.put(one);
    await h.start();
    h.forget();
  });

  const contents = (): string[][] => ['old-generic', 'young-generic'].map((name) => namesIn(h.description(name)));

  it('give it to the older one, and tell the other', () => {
    expect(contents()).toEqual([['a', 'shared'], ['b']]);
    expect(h.description('young-generic')?.spec.skipped).toEqual([
      { ...feedTo('shared'), reason: 'OwnedByOther', message: expect.stringContaining('Base old'), since: expect.any(String) },
    ]);
    expect(h.events).toEqual([
      {
        base: 'young',
        type: 'Warning',
        reason: 'FeedsSkipped',
        message: 'feeds that are not rendered: v1/ConfigMap/shop/shared (OwnedByOther)',
      },
    ]);
  });

  it('hand it over when the owner goes', async () => {
    unbind('old');
    await h.idle();
    expect(contents()[1]).toEqual(['b', 'shared']);
    expect(h.description('young-generic')?.spec).not.toHaveProperty('skipped');
  });

  it('hand it over when the owner no longer has it', async () => {
    setFeeds('old', [feedTo('a')]);
    await h.idle();
    expect(contents()).toEqual([['a'], ['b', 'shared']]);
    expect(h.description('old-generic')?.spec.removed).toEqual([feedTo('shared')]);
  });

  it('hand it back when an older one asks for it', async () => {
    setFeeds('old', [feedTo('a')]);
    await h.idle();
    setFeeds('old', [feedTo('a'), feedTo('shared')]);
    await h.idle();
    expect(contents()).toEqual([['a', 'shared'], ['b']]);
    expect(h.description('young-generic')?.spec.removed).toEqual([feedTo('shared')]);
    expect(h.description('old-generic')?.spec.removed).toBeUndefined();
  });
});

describe('events', () => {
  it('tell of a skipped feed once', async () => {
    await started('a');
    setFeeds('app', [feedTo('a'), feedTo('missing')]);
    await h.idle();
    put('a', { edited: 'yes' });
    await h.idle();
    await h.stop();
    await h.start();
    expect(h.events.map(({ reason }) => reason)).toEqual(['FeedsSkipped']);
  });

  it('tell once also where the first write fails', async () => {
    await started('a');
    let failures = 0;
    h.onRequest = (request) => {
      if (request.startsWith('patch') && failures++ < 2) throw apiError(500, 'InternalError');
    };
    setFeeds('app', [feedTo('a'), feedTo('missing')]);
    await h.idle();
    expect([failures, h.events.length]).toEqual([3, 1]);
  });

  it('tell that everything is held, and of what is skipped beside it', async () => {
    await started('a');
    drop('a');
    setFeeds('app', [feedTo('a'), feedTo('missing')]);
    await h.idle();
    expect(h.events.map(({ reason, message }) => [reason, /shop\/(\w+) \(/.exec(message)?.[1]])).toEqual([
      ['FeedsSkipped', 'missing'],
      ['FeedsHeld', 'a'],
    ]);
    expect(namesIn(h.description('app-generic'))).toEqual(['a']);
  });

  it('stay short where very many feeds are missing', async () => {
    await started();
    setFeeds('app', numbered(500).map(feedTo));
    await h.idle();
    expect(h.events).toHaveLength(1);
    expect(h.events[0]?.message.length).toBeLessThanOrEqual(1000);
  });
});
