// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { byWeight, cluster, dynamic, inventory, offers, placed, subscription, web, webKey } from '../testing/objects.ts';
import { look, testFramework } from '../testing/framework.ts';

interface Seen {
  /** Replicas per cluster name; -1 where there are none to be divided. */
  where: Record<string, number>;
  reason: string;
  message: string;
}

async function see(
  subject: Subscription,
  clusters: ManagedCluster[],
  o: { inventory?: FeedInventory; framework?: Awaited<ReturnType<typeof testFramework>>; toleratedPercent?: number } = {},
): Promise<Seen> {
  const framework = o.framework ?? (await testFramework());
  let outcome = await look(subject, clusters, { ...o, framework });
  while (outcome.until) {
    await outcome.until;
    outcome = await look(subject, clusters, { ...o, framework });
  }
  const { bindings, replicas, scheduled } = outcome.decision;
  const where = bindings.map((key, i) => [key.split('/')[1] ?? '', replicas?.[webKey]?.[i] ?? -1]);
  return { where: Object.fromEntries(where) as Record<string, number>, reason: scheduled.reason, message: scheduled.message };
}

const ready = (status: 'True' | 'False' | 'Unknown'): ManagedCluster['status'] => ({
  conditions: [{ type: 'Ready', status, reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
});
const everywhere = { a: -1, b: -1 };

describe('ClusterReadiness', () => {
  it.each<[string, ManagedCluster['status'], boolean, Record<string, number>]>([
    ['takes a ready cluster', ready('True'), false, everywhere],
    ['takes one that never reported', undefined, false, everywhere],
    ['leaves out one that is not ready', ready('False'), false, { a: -1 }],
    ['leaves out one that is not heard of', ready('Unknown'), false, { a: -1 }],
    ['keeps one in use', ready('Unknown'), true, everywhere],
  ])('%s', async (_, status, bound, where) => {
    const before = bound ? { bindingClusters: ['ns-b/b'] } : undefined;
    expect((await see(subscription({}, before), [cluster('a'), cluster('b', { status })])).where).toEqual(where);
  });
});

describe('APIAvailability', () => {
  const farm = { apiVersion: 'example.com/v1', kind: 'Farm', namespace: 'shop', name: 'f' };
  const chart = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'operator' };
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: 'farms.example.com' };
  it.each<[string, string[] | undefined, Subscription['spec']['feeds'], Record<string, number>]>([
    ['leaves out a cluster without the kind', [], [farm], { a: -1 }],
    ['takes one that serves it', ['example.com/v1/Farm'], [farm], everywhere],
    ['takes one that does not tell', undefined, [farm], everywhere],
    ['asks for no kinds of Kubernetes', [], [web], everywhere],
    ['lets a definition pass that comes along', [], [crd, farm], everywhere],
    ['lets a chart pass that may bring definitions', [], [chart, farm], everywhere],
  ])('%s', async (_, apiKinds, feeds, where) => {
    const clusters = [cluster('a', { status: { apiKinds: ['example.com/v1/Farm'] } }), cluster('b', { status: { apiKinds } })];
    const seen = await see(subscription({ feeds }), clusters);
    expect(seen.where).toEqual(where);
    if (!('b' in where)) expect(seen.message).toBe('bound to 1 cluster; left out: 1 did not serve example.com/v1/Farm');
  });
});

describe('StaticAssigner', () => {
  const tiers = (...names: string[]) => names.map((tier, i) => cluster('abcdef'[i] ?? '', { labels: { tier } }));

  it.each<[string, Record<string, number>, number, string[], Record<string, number>]>([
    ['by the weights of the subscribers', { gold: 2, iron: 1 }, 9, ['gold', 'iron'], { a: 6, b: 3 }],
    [
      'each cluster of a subscriber with its full weight',
      { gold: 2, iron: 1 },
      10,
      ['gold', 'gold', 'iron'],
      { a: 4, b: 4, c: 2 },
    ],
    ['nothing to a weight of zero, which stays bound', { gold: 1, iron: 0 }, 5, ['gold', 'iron'], { a: 5, b: 0 }],
    ['zero replicas', { gold: 1 }, 0, ['gold'], { a: 0 }],
  ])('divides %s', async (_, weights, replicas, clusters, where) => {
    expect((await see(subscription(byWeight(weights)), tiers(...clusters), { inventory: inventory(replicas) })).where).toEqual(
      where,
    );
  });

  it('adds the weights of all subscribers that select a cluster', async () => {
    const spec = {
      ...byWeight({ gold: 1 }),
      subscribers: [{ clusterAffinity: {}, weight: 1 }, ...(byWeight({ gold: 2 }).subscribers ?? [])],
    };
    expect((await see(subscription(spec), tiers('gold', 'iron'), { inventory: inventory(8) })).where).toEqual({ a: 6, b: 2 });
  });

  it('never gives everybody everything: without any weight nothing changes', async () => {
    const seen = await see(subscription(byWeight({ gold: 0 })), tiers('gold'), { inventory: inventory(5) });
    expect(seen).toMatchObject({ where: {}, reason: 'Unschedulable' });
    expect(seen.message).toMatch(/none of the available clusters has a weight above zero/);
  });

  it('divides anew when a cluster is lost, joins, or takes no new work', async () => {
    const spec = byWeight({ gold: 1 });
    const status = placed({ a: 3, b: 3 });
    expect((await see(subscription(spec, status), tiers('gold'), { inventory: inventory(6) })).where).toEqual({ a: 3, b: 3 });
    const gone = await look(subscription(spec, status), tiers('gold'), { inventory: inventory(6), absentForMs: () => 60_000 });
    expect(gone.decision.replicas).toEqual({ [webKey]: [6] });
    expect((await see(subscription(spec, status), tiers('gold', 'gold', 'gold'), { inventory: inventory(6) })).where).toEqual({
      a: 2,
      b: 2,
      c: 2,
    });
    const [a, b] = tiers('gold', 'gold');
    const cordoned = { ...b, spec: { ...b?.spec, taints: [{ key: 'cordon', effect: 'NoSchedule' }] } } as ManagedCluster;
    expect((await see(subscription(spec, status), [a as ManagedCluster, cordoned], { inventory: inventory(9) })).where).toEqual({
      a: 6,
      b: 3,
    });
  });

  it('leaves feeds without replicas alone', async () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'c' };
    const listed = inventory(2);
    const both = { ...listed, spec: { feeds: [...listed.spec.feeds, config] } };
    const { decision } = await look(subscription({ ...byWeight({ gold: 1 }), feeds: [web, config] }), tiers('gold', 'gold'), {
      inventory: both,
    });
    expect(decision.replicas).toEqual({ [webKey]: [1, 1], 'v1/ConfigMap/shop/c': [] });
  });
});

describe('DynamicAssigner', () => {
  const sizes = (...cpus: number[]) =>
    cpus.map((cpu, i) => cluster('abcdef'[i] ?? '', { status: offers(cpu), labels: { zone: i < 2 ? 'x' : 'y' } }));
  const spread = (topologyKey = 'zone', maxSkew = 1, whenUnsatisfiable = 'DoNotSchedule') => ({
    topologySpreadConstraints: [{ topologyKey, maxSkew, whenUnsatisfiable }],
  });

  it.each<[string, Parameters<typeof dynamic>[0], number, number[], Record<string, number>]>([
    ['over all by their room', {}, 12, [4, 8, 12], { a: 2, b: 4, c: 6 }],
    ['only to those that get some', {}, 1, [4, 8], { b: 1 }],
    ['into few', { strategy: 'Binpack' }, 8, [4, 8, 12], { b: 8 }],
    ['into no more than maxClusters', { maxClusters: 1 }, 9, [4, 8, 12], { c: 9 }],
    ['over at least minClusters', { strategy: 'Binpack', minClusters: 2 }, 8, [4, 8, 12], { a: 1, b: 7 }],
    ['evenly over domains', spread(), 8, [4, 4, 12], { a: 2, b: 2, c: 4 }],
    [
      'first to preferred clusters',
      { preferredClusters: [{ weight: 5, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['y'] }] } }] },
      14,
      [4, 4, 12],
      { a: 1, b: 1, c: 12 },
    ],
  ])('divides %s', async (_, options, replicas, cpus, where) => {
    expect((await see(subscription(dynamic(options)), sizes(...cpus), { inventory: inventory(replicas) })).where).toEqual(where);
  });

  it('moves nothing when clusters join or shrink, and only what is lost when one goes', async () => {
    const status = placed({ a: 3, b: 3 });
    expect((await see(subscription(dynamic(), status), sizes(1, 1, 90), { inventory: inventory(6) })).where).toEqual({
      a: 3,
      b: 3,
    });
    const [a, , c] = sizes(9, 9, 9);
    const evicting = cluster('b', { status: offers(9), taints: [{ key: 'dead', effect: 'NoExecute' }] });
    expect(
      (
        await see(subscription(dynamic(), status), [a as ManagedCluster, evicting, c as ManagedCluster], {
          inventory: inventory(6),
        })
      ).where,
    ).toEqual({ a: 5, c: 1 });
  });

  it('moves out of the only cluster that it is in when that dies: nothing is lost', async () => {
    const dead = cluster('a', { status: offers(9), taints: [{ key: 'dead', effect: 'NoExecute' }] });
    const { specHash } = (await look(subscription(dynamic()), [], { inventory: inventory(6) })).decision;
    const subject = subscription(dynamic(), { ...placed({ a: 6 }), specHash });
    const [, b] = sizes(9, 9);
    expect((await see(subject, [dead, b as ManagedCluster], { inventory: inventory(6) })).where).toEqual({ b: 6 });
    expect(await see(subject, [dead], { inventory: inventory(6) })).toMatchObject({ where: { a: 6 }, reason: 'MassRemovalHeld' });
  });

  it('says how many found no room, and places the others', async () => {
    expect(await see(subscription(dynamic()), sizes(2, 3), { inventory: inventory(9) })).toEqual({
      where: { a: 2, b: 3 },
      reason: 'InsufficientCapacity',
      message:
        'bound to 2 clusters; 4 of 9 replicas of apps/v1/Deployment/shop/web found no room: the 2 available clusters had room for 5 more',
    });
  });

  it('avoids PreferNoSchedule while there is room elsewhere', async () => {
    const avoided = cluster('a', { status: offers(50), taints: [{ key: 'old', effect: 'PreferNoSchedule' }] });
    const clusters = [avoided, cluster('b', { status: offers(5) })];
    expect((await see(subscription(dynamic()), clusters, { inventory: inventory(6) })).where).toEqual({ a: 1, b: 5 });
  });

  it('leaves out clusters that report nothing, with the reason', async () => {
    const seen = await see(subscription(dynamic()), [cluster('a'), cluster('b', { status: offers(9) })], {
      inventory: inventory(4),
    });
    expect(seen).toMatchObject({
      where: { b: 4 },
      message: 'bound to 1 cluster; left out: 1 had not reported what their nodes offer',
    });
  });

  it('stays where it is at zero replicas', async () => {
    expect(
      (await see(subscription(dynamic(), placed({ a: 3, b: 3 })), sizes(9, 9, 9), { inventory: inventory(0) })).where,
    ).toEqual({ a: 0, b: 0 });
  });

  it.each<[string, Parameters<typeof dynamic>[0], RegExp, string]>([
    ['maxClusters of zero', { maxClusters: 0 }, /maxClusters is 0/, 'Unschedulable'],
    ['more minClusters than there are', { minClusters: 5 }, /minClusters is 5, and 3 are available/, 'Unschedulable'],
    [
      'contradicting bounds',
      { minClusters: 3, maxClusters: 2 },
      /minClusters must not exceed maxClusters/,
      'InvalidSubscription',
    ],
    ['a skew of zero', spread('zone', 0), /maxSkew of topologyKey zone is 0/, 'Unschedulable'],
    ['an odd whenUnsatisfiable', spread('zone', 1, 'Never'), /DoNotSchedule or ScheduleAnyway/, 'Unschedulable'],
  ])('changes nothing for %s, and says so', async (_, options, message, reason) => {
    const status = placed({ a: 3 });
    const seen = await see(subscription(dynamic(options), status), sizes(9, 9, 9), { inventory: inventory(6) });
    expect(seen).toMatchObject({ where: { a: 3 }, reason });
    expect(seen.message).toMatch(message);
  });

  it('places huge numbers exactly, and says so when a constraint would look at each', async () => {
    const many = [1, 2, 3].map((i) =>
      cluster(String(i), { status: { allocatable: { cpu: '2000000000' } }, labels: { zone: String(i) } }),
    );
    const seen = await see(subscription(dynamic()), many, { inventory: inventory(2 ** 31 - 1) });
    expect(Object.values(seen.where).reduce((a, b) => a + b, 0)).toBe(2 ** 31 - 1);
    const bounded = await see(subscription(dynamic(spread())), many, { inventory: inventory(2 ** 31 - 1) });
    expect(bounded.message).toMatch(/at most 6666666 replicas at once for 3 clusters/);
  });
});

describe('Predictor', () => {
  const predicting = (name: string) =>
    cluster(name, { status: { useSocket: true, predictorEnabled: true, predictorAddress: `http://${name}:8080` } });

  it('asks the children that have one, and leaves out those that fail', async () => {
    const framework = await testFramework({
      predictorClient: {
        predict: ({ metadata }) => (metadata.name === 'b' ? Promise.reject(new Error('it is on fire')) : Promise.resolve(7)),
      },
    });
    const clusters = ['a', 'b', 'c'].map(predicting);
    const seen = await see(subscription(dynamic()), clusters, { inventory: inventory(10), framework });
    expect(seen).toMatchObject({ where: { a: 5, c: 5 }, reason: 'Scheduled' });
    expect(seen.message).toBe('bound to 2 clusters; left out: 1 had a predictor that failed (it is on fire)');
  });

  it('keeps what runs in a child that does not answer, and brings nothing more there', async () => {
    const framework = await testFramework({
      predictorClient: {
        predict: ({ metadata }) => (metadata.name === 'b' ? Promise.reject(new Error('no')) : Promise.resolve(7)),
      },
    });
    const subject = subscription(dynamic(), placed({ a: 1, b: 2 }));
    expect((await see(subject, ['a', 'b'].map(predicting), { inventory: inventory(6), framework })).where).toEqual({
      a: 4,
      b: 2,
    });
  });

  it('puts the decision off when more fail than are tolerated', async () => {
    const framework = await testFramework({ predictorClient: { predict: () => Promise.reject(new Error('no')) } });
    const seen = await see(subscription(dynamic()), [predicting('a')], {
      inventory: inventory(6),
      framework,
      toleratedPercent: 10,
    });
    expect(seen).toMatchObject({ where: {}, reason: 'PredictionFailed' });
    expect(seen.message).toMatch(/^1 of 1 predictions failed, and 10% are tolerated/);
  });
});

describe('FeedInventory', () => {
  it('holds a Subscription until its inventory lists its feeds', async () => {
    const subject = subscription(byWeight({ gold: 1 }));
    expect((await see(subject, [cluster('a')])).message).toMatch(
      /^FeedInventory: waits for FeedInventory default\/app, which the hub makes/,
    );
    const other = { ...inventory(3), spec: { feeds: [{ ...web, name: 'other' }] } };
    expect((await see(subject, [cluster('a')], { inventory: other })).message).toMatch(/to list the feeds of the Subscription/);
    expect((await see(subject, [cluster('a')], { inventory: inventory(-3) })).message).toMatch(/wants -3 replicas/);
  });
});

describe('subgroups', () => {
  const group = (tier: string, minClusters: number) => ({
    clusterAffinity: { matchLabels: { tier } },
    subGroupStrategy: { minClusters },
  });
  const grouped = (...subscribers: ReturnType<typeof group>[]) => ({ schedulingBySubGroup: true, subscribers });
  const clusters = ['gold', 'gold', 'gold', 'iron', 'iron'].map((tier, i) => cluster('abcde'[i] ?? '', { labels: { tier } }));

  it.each<[string, ReturnType<typeof grouped>, string[], string[], string]>([
    ['so many of each', grouped(group('gold', 2), group('iron', 1)), [], ['a', 'b', 'd'], 'Scheduled'],
    ['those in use first', grouped(group('gold', 2), group('iron', 1)), ['c', 'e'], ['a', 'c', 'e'], 'Scheduled'],
    ['none of a group of zero', grouped(group('gold', 0), group('iron', 1)), [], ['d'], 'Scheduled'],
    ['each cluster once', grouped(group('gold', 2), group('gold', 1)), [], ['a', 'b', 'c'], 'Scheduled'],
    ['what there is, and says what lacks', grouped(group('iron', 3)), [], ['d', 'e'], 'InsufficientCapacity'],
  ])('take %s', async (_, spec, bound, expected, reason) => {
    const status = bound.length > 0 ? { bindingClusters: bound.map((name) => `ns-${name}/${name}`) } : undefined;
    const seen = await see(subscription(spec, status), clusters);
    expect(Object.keys(seen.where)).toEqual(expected);
    expect(seen.reason).toBe(reason);
  });

  it('divide among the clusters that they take', async () => {
    const subscribers = [
      { ...group('gold', 2), weight: 2 },
      { ...group('iron', 1), weight: 1 },
    ];
    const spec = { ...byWeight({}), ...grouped(...subscribers), subscribers };
    expect((await see(subscription(spec), clusters, { inventory: inventory(10) })).where).toEqual({ a: 4, b: 4, d: 2 });
  });
});
