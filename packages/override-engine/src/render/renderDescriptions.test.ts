// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Description, type Feed, feedKey, type KubeObject } from '@clusternet/api-types';
import { base, configMap, feedTo, manifest, namesIn, objectsOf, textFor } from '../testing/objects.ts';
import { type Rendering, renderDescriptions, type RenderInput } from './renderDescriptions.ts';
import { maxObjectBytes } from './shards.ts';

/** Renders again and again as the engine does, with its results as the next state; whoever deploys confirms on request. */
class Renders {
  readonly manifests = new Map<string, ReturnType<typeof manifest>>();
  feeds: Feed[];
  ownedBy: RenderInput['ownedBy'];
  limits: RenderInput['limits'];
  now = '2026-03-01T00:00:00Z';
  #stored = new Map<string, Description>();

  constructor(...names: string[]) {
    this.feeds = names.map(feedTo);
    for (const name of names) this.put(configMap(name));
  }

  put(object: KubeObject): void {
    const one = manifest(object);
    this.manifests.set(feedKey({ ...feedTo(object.metadata.name), apiVersion: object.apiVersion, kind: object.kind }), one);
  }

  drop(...names: string[]): void {
    for (const name of names) this.manifests.delete(feedKey(feedTo(name)));
  }

  /** One rendering, which is then stored; surplus ones are gone at once. */
  render(): Rendering {
    const rendering = renderDescriptions({
      base: base('app', this.feeds),
      manifestOf: (feed) => this.manifests.get(feedKey(feed)),
      ownedBy: this.ownedBy,
      previous: [...this.#stored.values()],
      now: new Date(this.now),
      limits: this.limits,
    });
    for (const wanted of rendering.descriptions) {
      const { name } = wanted.metadata;
      const stored = this.#stored.get(name);
      if (stored && JSON.stringify(stored.spec) === JSON.stringify(wanted.spec)) continue;
      const generation = (stored?.metadata.generation ?? 0) + 1;
      this.#stored.set(name, { ...wanted, metadata: { ...wanted.metadata, generation }, status: stored?.status });
    }
    for (const { metadata } of rendering.surplus) this.#stored.delete(metadata.name);
    return rendering;
  }

  get(number = 1): Description | undefined {
    return this.#stored.get(number === 1 ? 'app-generic' : `app-generic-${number}`);
  }

  change(number: number, how: (description: Description) => Partial<Description>): void {
    const description = this.get(number);
    if (description) this.#stored.set(description.metadata.name, { ...description, ...how(description) });
  }

  confirm(number = 1): void {
    this.change(number, ({ metadata }) => ({ status: { observedGeneration: metadata.generation } }));
  }

  generation(number = 1): number | undefined {
    return this.get(number)?.metadata.generation;
  }

  /** What all Descriptions are about, by number. */
  get contents(): Record<string, string[]> {
    return Object.fromEntries([...this.#stored].map(([name, description]) => [name, namesIn(description)]));
  }

  removed(number = 1): string[] {
    return (this.get(number)?.spec.removed ?? []).map(({ name }) => name);
  }

  skipped(): Record<string, string> {
    return Object.fromEntries((this.get()?.spec.skipped ?? []).map(({ name, reason }) => [name, reason]));
  }
}

describe('renderDescriptions', () => {
  it('puts the objects of all feeds into one Description, in the order of the feeds, each once', () => {
    const renders = new Renders('b', 'a');
    renders.feeds.push(feedTo('b'));
    renders.render();
    expect(objectsOf(renders.get())).toEqual([configMap('b'), configMap('a')]);
    expect(renders.get()?.spec).toEqual({ deployer: 'Generic', raw: [expect.any(String), expect.any(String)] });
  });

  it('makes an empty Description of no feeds', () => {
    const renders = new Renders();
    renders.render();
    expect(renders.get()?.spec).toEqual({ deployer: 'Generic', raw: [] });
    expect(renders.render().surplus).toEqual([]);
  });

  it('changes nothing when it is given its own result', () => {
    const renders = new Renders('a', 'b');
    renders.feeds.push(feedTo('missing'));
    const first = renders.render();
    renders.now = '2026-03-02T00:00:00Z';
    const second = renders.render();
    expect(second.descriptions).toEqual(first.descriptions);
    expect(second.descriptions[0]?.spec).toBe(first.descriptions[0]?.spec);
    expect([second.newlySkipped, second.surplus, renders.generation()]).toEqual([[], [], 1]);
  });

  it('rewrites what somebody wrote into a Description', () => {
    const renders = new Renders('a');
    renders.render();
    renders.change(1, ({ spec }) => ({ spec: { ...spec, raw: [...(spec.raw ?? []), 'rubbish'] } }));
    renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a'] });
  });
});

describe('feeds that cannot be rendered', () => {
  it('are listed with the reason, and the others go on; charts are none of these', () => {
    const renders = new Renders('a', 'ours', 'theirs');
    renders.feeds.push(
      feedTo('missing'),
      { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'chart' },
      { apiVersion: 'v1', kind: 'ConfigMap', name: '' },
    );
    renders.ownedBy = (key) => (key === feedKey(feedTo('theirs')) ? 'other' : undefined);
    const { newlySkipped } = renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a', 'ours'] });
    const skipped = {
      theirs: 'OwnedByOther',
      missing: 'FeedNotFound',
      '': 'InvalidFeed',
    };
    expect(renders.skipped()).toEqual(skipped);
    expect(newlySkipped.map(({ name }) => name)).toEqual(Object.keys(skipped));
    expect(renders.get()?.spec.skipped?.[0]).toEqual({
      ...feedTo('theirs'),
      reason: 'OwnedByOther',
      message: expect.stringContaining('Base other'),
      since: '2026-03-01T00:00:00Z',
    });
  });

  it('keep the time they were first seen, until the reason is another one', () => {
    const renders = new Renders('a');
    renders.feeds.push(feedTo('missing'));
    renders.render();
    renders.now = '2026-03-02T00:00:00Z';
    renders.feeds.push(feedTo('late'));
    const { newlySkipped } = renders.render();
    expect(newlySkipped.map(({ name }) => name)).toEqual(['late']);
    expect(renders.get()?.spec.skipped?.map(({ since }) => since)).toEqual(['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z']);
    renders.now = '2026-03-03T00:00:00Z';
    renders.ownedBy = (key) => (key === feedKey(feedTo('missing')) ? 'other' : undefined);
    renders.render();
    expect(renders.get()?.spec.skipped?.map(({ since }) => since)).toEqual(['2026-03-03T00:00:00Z', '2026-03-02T00:00:00Z']);
  });

  it('are rendered as soon as they can be', () => {
    const renders = new Renders('a');
    renders.feeds.push(feedTo('late'));
    renders.render();
    renders.put(configMap('late'));
    renders.render();
    expect(renders.get()?.spec).toEqual({ deployer: 'Generic', raw: [expect.any(String), expect.any(String)] });
  });
});

describe('a Base that feeds nothing but charts', () => {
  it('has no Description of plain objects, unless it had one', () => {
    const renders = new Renders();
    renders.feeds.push({ apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'chart' });
    expect(renders.render().descriptions).toEqual([]);
    renders.feeds.push(feedTo('a'));
    renders.put(configMap('a'));
    renders.render();
    renders.feeds.pop();
    expect(renders.render().descriptions).toHaveLength(1);
    expect(renders.removed()).toEqual(['a']);
  });
});

describe('objects that leave', () => {
  it('are listed as removed until their removal is confirmed', () => {
    const renders = new Renders('a', 'b', 'c');
    renders.render();
    renders.confirm();
    renders.feeds = [feedTo('a'), feedTo('c')];
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['a', 'c'] }, ['b']]);

    // The confirmation of an older generation says nothing about it.
    renders.drop('c');
    renders.render();
    expect(renders.removed()).toEqual(['b', 'c']);

    renders.confirm();
    renders.put(configMap('a', { a: '2' }));
    renders.render();
    expect(renders.get()?.spec).not.toHaveProperty('removed');
  });

  it('cost no write of their own once they are confirmed', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.feeds = [feedTo('a')];
    renders.render();
    renders.confirm();
    const before = renders.generation();
    renders.render();
    expect([renders.generation(), renders.removed()]).toEqual([before, ['b']]);
  });

  it('are not listed any more when they come back before', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.feeds = [feedTo('a')];
    renders.render();
    renders.feeds = [feedTo('b'), feedTo('a')];
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['b', 'a'] }, []]);
  });

  it('go when another Base owns them now', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.ownedBy = (key) => (key === feedKey(feedTo('b')) ? 'other' : undefined);
    renders.render();
    expect([renders.contents, renders.removed(), renders.skipped()]).toEqual([
      { 'app-generic': ['a'] },
      ['b'],
      { b: 'OwnedByOther' },
    ]);
  });

  it('are all removed when the user takes out all feeds', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.feeds = [];
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': [] }, ['a', 'b']]);
  });
});

describe('a hold', () => {
  it('keeps everything when the Manifests of all feeds vanish at once', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.drop('a', 'b');
    const { newlyHeld, newlySkipped } = renders.render();
    expect([newlyHeld.map(({ name }) => name), newlySkipped]).toEqual([['a', 'b'], []]);
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['a', 'b'] }, []]);
    expect(renders.get()?.spec.skipped?.[0]).toMatchObject({
      name: 'a',
      reason: 'FeedNotFound',
      message: expect.stringContaining('vanished at once, so what was deployed stays'),
    });
    const before = renders.generation();
    expect(renders.render().newlyHeld).toEqual([]);
    expect(renders.generation()).toBe(before);
  });

  it('is not asked for by feeds that were never deployed', () => {
    const renders = new Renders();
    renders.feeds = [feedTo('a')];
    expect(renders.render()).toMatchObject({ newlyHeld: [], newlySkipped: [{ name: 'a' }] });
    expect(renders.contents).toEqual({ 'app-generic': [] });
  });

  it('lasts for each feed until its Manifest is back, as they come back one by one', () => {
    const renders = new Renders('a', 'b', 'c');
    renders.render();
    renders.drop('a', 'b', 'c');
    renders.render();
    renders.put(configMap('b', { b: '2' }));
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['a', 'b', 'c'] }, []]);
    expect(objectsOf(renders.get())[1]).toEqual(configMap('b', { b: '2' }));
    renders.put(configMap('a'));
    renders.put(configMap('c'));
    renders.render();
    expect(renders.get()?.spec).toEqual({ deployer: 'Generic', raw: expect.any(Array) });

    // From here on the next one that goes alone goes.
    renders.drop('a');
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['b', 'c'] }, ['a']]);
  });

  it('ends for a feed that the user takes out', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.drop('a', 'b');
    renders.render();
    renders.feeds = [feedTo('b')];
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['b'] }, ['a']]);
  });

  it('holds beside feeds that could not be rendered anyway', () => {
    const renders = new Renders('a');
    renders.feeds.push({ apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'chart' });
    renders.render();
    renders.drop('a');
    renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a'] });
  });

  it('does not keep what belongs to another Base', () => {
    const renders = new Renders('a', 'b');
    renders.render();
    renders.drop('b');
    renders.ownedBy = (key) => (key === feedKey(feedTo('a')) ? 'other' : undefined);
    renders.render();
    expect([renders.contents, renders.removed()]).toEqual([{ 'app-generic': ['b'] }, ['a']]);
  });
});

describe('large objects', () => {
  const limits = { shard: 3000, object: 4500 };

  it('have a Description of their own and stay there', () => {
    const renders = new Renders('a');
    renders.limits = limits;
    renders.feeds.unshift(feedTo('large'));
    renders.put(configMap('large', { text: textFor(4000) }));
    renders.render();
    const expected = { 'app-generic': ['a'], 'app-generic-2': ['large'] };
    expect(renders.contents).toEqual(expected);
    renders.render();
    renders.feeds.push(feedTo('late'));
    renders.put(configMap('late'));
    renders.put(configMap('large', { text: textFor(4100) }));
    renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a', 'late'], 'app-generic-2': ['large'] });
    expect([renders.generation(1), renders.generation(2)]).toEqual([2, 2]);
  });

  it('may be a ConfigMap with all the data that Kubernetes allows', () => {
    const renders = new Renders();
    renders.feeds = [feedTo('full')];
    renders.put(configMap('full', { text: 'x'.repeat(1024 * 1024) }));
    renders.render();
    expect([renders.contents, renders.skipped()]).toEqual([{ 'app-generic': [], 'app-generic-2': ['full'] }, {}]);
    expect(JSON.stringify(renders.get(2)).length).toBeLessThan(1_500_000);
  });

  it('are refused beyond what etcd takes, with both figures', () => {
    const renders = new Renders('a');
    renders.feeds.push(feedTo('huge'));
    renders.put(configMap('huge', { text: 'x'.repeat(1_100_000) }));
    renders.render();
    expect(renders.skipped()).toEqual({ huge: 'TooLarge' });
    const [entry] = renders.get()?.spec.skipped ?? [];
    expect(entry?.message).toMatch(new RegExp(`takes 14\\d{5} bytes .*${maxObjectBytes} is the most`));
  });

  it('leave the state that is deployed in place when they outgrow the limit', () => {
    const renders = new Renders('a');
    renders.limits = limits;
    renders.render();
    renders.put(configMap('a', { text: textFor(6000) }));
    renders.render();
    expect(objectsOf(renders.get())).toEqual([configMap('a')]);
    expect([renders.skipped(), renders.removed()]).toEqual([{ a: 'TooLarge' }, []]);
    expect(renders.get()?.spec.skipped?.[0]?.message).toContain('what was deployed before stays');
    const before = renders.generation();
    renders.render();
    expect(renders.generation()).toBe(before);
  });
});

describe('several Descriptions', () => {
  const limits = { shard: 3000 };
  const of = (name: string, bytes: number): KubeObject => configMap(name, { text: textFor(bytes) });

  function two(): Renders {
    const renders = new Renders('a', 'b');
    renders.limits = limits;
    renders.put(of('a', 2000));
    renders.put(of('b', 2000));
    renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a'], 'app-generic-2': ['b'] });
    return renders;
  }

  it('carry the skipped feeds in the first one only', () => {
    const renders = two();
    renders.feeds.push(feedTo('missing'));
    renders.render();
    expect([renders.get(1)?.spec.skipped?.length, renders.get(2)?.spec.skipped]).toEqual([1, undefined]);
    expect([renders.generation(1), renders.generation(2)]).toEqual([2, 1]);
  });

  it('list what leaves where it was', () => {
    const renders = two();
    renders.feeds = [feedTo('a')];
    renders.render();
    expect([renders.removed(1), renders.removed(2), renders.generation(1)]).toEqual([[], ['b'], 1]);
  });

  it('go once they are empty and that is confirmed, not before', () => {
    const renders = two();
    renders.feeds = [feedTo('a')];
    expect(renders.render().surplus).toEqual([]);
    expect(renders.render().surplus).toEqual([]);
    const before = renders.generation(2);
    renders.confirm(2);
    expect(renders.render().surplus.map(({ metadata }) => metadata.name)).toEqual(['app-generic-2']);
    expect([before, renders.contents]).toEqual([2, { 'app-generic': ['a'] }]);
  });

  it('never lose the first one', () => {
    const renders = two();
    renders.feeds = [feedTo('b')];
    renders.render();
    renders.confirm(1);
    expect(renders.render().surplus).toEqual([]);
    expect(renders.contents).toEqual({ 'app-generic': [], 'app-generic-2': ['b'] });
  });

  it('pass an object on that outgrows its place, without removing it', () => {
    const renders = new Renders('a', 'b');
    renders.limits = limits;
    renders.render();
    renders.put(of('b', 2500));
    const { giving } = renders.render();
    expect([...giving]).toEqual(['app-generic']);
    expect(renders.contents).toEqual({ 'app-generic': ['a'], 'app-generic-2': ['b'] });
    expect(renders.removed(1)).toEqual([]);
    expect([...renders.render().giving]).toEqual([]);
  });

  it('make good a move of which only the first half was written', () => {
    const renders = two();
    const second = renders.get(2)?.spec.raw ?? [];
    renders.change(1, ({ spec }) => ({ spec: { ...spec, raw: [...(spec.raw ?? []), ...second] } }));
    renders.render();
    expect([renders.contents, renders.removed(1)]).toEqual([{ 'app-generic': ['a'], 'app-generic-2': ['b'] }, []]);
  });

  it('do not count one that is being deleted: its objects go where there is room, or come back with it', () => {
    const renders = two();
    renders.put(configMap('b'));
    renders.feeds.push(feedTo('c'));
    renders.put(of('c', 2000));
    renders.render();
    expect(renders.contents).toEqual({ 'app-generic': ['a'], 'app-generic-2': ['b', 'c'] });
    renders.change(2, ({ metadata }) => ({ metadata: { ...metadata, deletionTimestamp: '2026-03-01T00:00:00Z' } }));
    const { descriptions, surplus } = renders.render();
    expect(descriptions.map((description) => [description.metadata.name, ...namesIn(description)])).toEqual([
      ['app-generic', 'a', 'b'],
      ['app-generic-2', 'c'],
    ]);
    expect(surplus).toEqual([]);
  });
});
