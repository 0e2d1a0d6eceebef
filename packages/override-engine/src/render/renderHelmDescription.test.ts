// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type Description, type Feed, type HelmChart, type OverrideConfig } from '@clusternet/api-types';
import { base } from '../testing/objects.ts';
import { type HelmRendering, renderHelmDescription, type RenderHelmInput } from './renderHelmDescription.ts';

const apiVersion = 'apps.clusternet.io/v1alpha1';
const feed = (name: string, namespace = 'shop'): Feed => ({ apiVersion, kind: 'HelmChart', namespace, name });
const configMap: Feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings' };

function chart(name: string, o: { spec?: object; status?: HelmChart['status']; namespace?: string } = {}): HelmChart {
  return {
    apiVersion,
    kind: 'HelmChart',
    metadata: {
      name,
      namespace: o.namespace ?? 'shop',
      generation: 1,
      resourceVersion: '7',
      labels: { team: 'a' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'n' },
    },
    spec: { repo: 'https://charts.example.com', chart: name, version: '^1.0', targetNamespace: 'shop', ...o.spec },
    status: o.status ?? { phase: 'Found', version: '1.4.2', digest: 'sha256:aa', observedGeneration: 1 },
  };
}

function render(o: {
  feeds: Feed[];
  charts?: HelmChart[];
  overrides?: OverrideConfig[];
  previous?: HelmRendering;
  more?: Partial<RenderHelmInput>;
}): HelmRendering {
  const charts = new Map((o.charts ?? []).map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]));
  return renderHelmDescription({
    base: base('app', o.feeds),
    chartOf: ({ namespace, name }) => charts.get(`${namespace}/${name}`),
    overridesOf: () => (o.overrides ?? []).map((config) => ({ config })),
    previous: o.previous?.description ? [o.previous.description] : [],
    now: new Date('2026-03-01T00:00:00Z'),
    ...o.more,
  });
}

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
const chartIn = (d: Description | undefined, index = 0): HelmChart => JSON.parse(decode(d?.spec.chartRaw?.[index])) as HelmChart;
const reasons = (d: Description | undefined): Record<string, string> =>
  Object.fromEntries((d?.spec.skipped ?? []).map(({ name, reason }) => [name, reason]));

describe('the Helm Description of a Base', () => {
  it('holds the charts in the order of the feeds, with the version that was found', () => {
    const { description, newlySkipped } = render({
      feeds: [feed('web'), configMap, feed('db')],
      charts: [chart('db'), chart('web')],
    });
    expect(description?.metadata.name).toBe('app-helm');
    expect(description?.spec.charts).toEqual([
      { namespace: 'shop', name: 'web' },
      { namespace: 'shop', name: 'db' },
    ]);
    expect(description?.spec.raw?.map(decode)).toEqual([' ', ' ']);
    expect(newlySkipped).toEqual([]);
    const web = chartIn(description);
    expect(web.spec.version).toBe('1.4.2');
    expect(web.metadata).toEqual({
      name: 'web',
      namespace: 'shop',
      labels: { team: 'a' },
      annotations: { note: 'n', 'apps.clusternet.io/chart-digest': 'sha256:aa' },
    });
    expect(web.status).toBeUndefined();
  });

  it('is the same, to the very object, when nothing changed', () => {
    const input = { feeds: [feed('web')], charts: [chart('web')] };
    const first = render(input);
    expect(render({ ...input, previous: first }).description?.spec).toBe(first.description?.spec);
  });

  it('is absent, and surplus where it is, when no chart is fed', () => {
    const first = render({ feeds: [feed('web')], charts: [chart('web')] });
    expect(render({ feeds: [configMap] })).toEqual({
      description: undefined,
      surplus: undefined,
      newlySkipped: [],
      outcomes: [],
    });
    expect(render({ feeds: [configMap], previous: first }).surplus).toBe(first.description);
  });

  it('takes values and options from overrides', () => {
    const { description } = render({
      feeds: [feed('web')],
      charts: [chart('web')],
      overrides: [
        { type: 'Helm', value: 'replicas: 2' },
        { type: 'Helm', value: 'image: {tag: v2}' },
        { type: 'Helm', value: 'spec: {wait: true}', overrideChart: true },
      ],
    });
    expect(JSON.parse(decode(description?.spec.raw?.[0]))).toEqual({ replicas: 2, image: { tag: 'v2' } });
    expect(chartIn(description).spec).toMatchObject({ wait: true, version: '1.4.2' });
  });

  it('lets an override choose another version, which nobody has looked for', () => {
    const overrides: OverrideConfig[] = [{ type: 'Helm', value: 'spec: {version: 1.5.0}', overrideChart: true }];
    const one = chartIn(render({ feeds: [feed('web')], charts: [chart('web')], overrides }).description);
    expect(one.spec.version).toBe('1.5.0');
    expect(one.metadata.annotations).not.toHaveProperty('apps.clusternet.io/chart-digest');
  });

  it('never sends credentials elsewhere, nor those of others', () => {
    const charts = [chart('web', { spec: { chartPullSecret: { name: 'own' } } })];
    const secretAfter = (value: string): unknown => {
      const overrides: OverrideConfig[] = [{ type: 'Helm', value, overrideChart: true }];
      return chartIn(render({ feeds: [feed('web')], charts, overrides }).description).spec.chartPullSecret;
    };
    expect(secretAfter('spec: {wait: true}')).toEqual({ name: 'own' });
    expect(secretAfter('spec: {chartPullSecret: {name: theirs, namespace: kube-system}}')).toEqual({ name: 'own' });
    expect(secretAfter('spec: {repo: "https://evil.example.com"}')).toBeUndefined();
  });

  it('lists what cannot be rendered with its reason, and the others go on', () => {
    const { description, newlySkipped } = render({
      feeds: [
        feed('web'),
        feed('missing'),
        feed('unseen'),
        feed('absent'),
        feed('theirs'),
        { ...feed('x'), namespace: undefined },
      ],
      charts: [
        chart('web'),
        chart('unseen', { status: {} }),
        chart('absent', { status: { phase: 'NotFound', reason: 'chart "absent" has no version "9"' } }),
        chart('theirs'),
      ],
      more: { ownedBy: (key) => (key.endsWith('theirs') ? 'other' : undefined) },
    });
    expect(description?.spec.charts).toEqual([{ namespace: 'shop', name: 'web' }]);
    expect(reasons(description)).toEqual({
      missing: 'FeedNotFound',
      unseen: 'ChartUnverified',
      absent: 'ChartNotFound',
      theirs: 'OwnedByOther',
      x: 'InvalidFeed',
    });
    expect(newlySkipped.map(({ name }) => name)).toEqual(['missing', 'absent', 'theirs', 'x']);
    expect(description?.spec.skipped?.find(({ name }) => name === 'absent')?.message).toBe('chart "absent" has no version "9"');
  });

  it.each([
    ['is not looked at yet', { status: { phase: 'Found', version: '1.4.2', observedGeneration: 0 } as const }, {}],
    ['is not found', { status: { phase: 'NotFound', reason: 'gone' } as const }, { web: 'ChartNotFound' }],
  ])('keeps what is deployed while the new state %s', (_, change, skipped) => {
    const first = render({ feeds: [feed('web')], charts: [chart('web')] });
    const { description } = render({ feeds: [feed('web')], charts: [chart('web', change)], previous: first });
    expect(chartIn(description).spec.version).toBe('1.4.2');
    expect(reasons(description)).toEqual(skipped);
  });

  it('keeps what is deployed when an override does not fit, and says which', () => {
    const first = render({ feeds: [feed('web')], charts: [chart('web')] });
    const overrides: OverrideConfig[] = [
      { name: 'tag', type: 'JSONPatch', value: '[{"op":"replace","path":"/image/tag","value":1}]' },
    ];
    const { description } = render({ feeds: [feed('web')], charts: [chart('web')], overrides, previous: first });
    expect(description?.spec.charts).toHaveLength(1);
    expect(description?.spec.skipped?.[0]).toMatchObject({ reason: 'OverrideFailed' });
    expect(description?.spec.skipped?.[0]?.message).toMatch(/"tag".*\/image.*what was deployed before stays/s);
  });

  it('changes nothing for an override of policy ApplyLater alone, and applies it with the next change', () => {
    const later = { config: { type: 'Helm' as const, value: 'replicas: 2' }, deferred: true };
    const input = { feeds: [feed('web')], charts: [chart('web')] };
    const more = { overridesOf: () => [later] };
    const first = render(input);
    const waiting = render({ ...input, previous: first, more });
    expect(waiting.description?.spec).toEqual(first.description?.spec);
    expect(waiting.outcomes.map(({ state }) => state)).toEqual(['waiting']);
    const changed = { feeds: [feed('web')], charts: [chart('web', { spec: { wait: true } })] };
    const applied = render({ ...changed, previous: waiting, more });
    expect(decode(applied.description?.spec.raw?.[0])).toBe('{"replicas":2}');
    expect(applied.outcomes.map(({ state }) => state)).toEqual(['applied']);
    const other = { overridesOf: () => [{ ...later, config: { ...later.config, value: 'replicas: 3' } }] };
    expect(decode(render({ ...changed, previous: applied, more: other }).description?.spec.raw?.[0])).toBe('{"replicas":2}');
  });

  it('uninstalls a chart whose HelmChart was deleted, but not all charts at once', () => {
    const charts = [chart('web'), chart('db')];
    const feeds = [feed('web'), feed('db')];
    const first = render({ feeds, charts });
    const one = render({ feeds, charts: charts.slice(0, 1), previous: first });
    expect(one.description?.spec.charts).toEqual([{ namespace: 'shop', name: 'web' }]);
    const none = render({ feeds, charts: [], previous: first });
    expect(none.description?.spec.charts).toHaveLength(2);
    expect(none.newlySkipped.map(({ message }) => message)[0]).toMatch(/vanished at once/);
    // They come back one by one.
    const back = render({ feeds, charts: charts.slice(0, 1), previous: none });
    expect(back.description?.spec.charts).toHaveLength(2);
    expect(render({ feeds: [feed('web')], charts: [], previous: none }).description?.spec.charts).toHaveLength(1);
  });

  it('refuses a chart whose HelmRelease would have the name of another one', () => {
    const { description } = render({
      feeds: [feed('c', 'a-b'), feed('b-c', 'a')],
      charts: [chart('c', { namespace: 'a-b' }), chart('b-c', { namespace: 'a' })],
    });
    expect(description?.spec.charts).toEqual([{ namespace: 'a-b', name: 'c' }]);
    expect(description?.spec.skipped?.[0]?.message).toMatch(/name of that of HelmChart a-b\/c/);
  });

  it('leaves out what does not fit into one object', () => {
    const overrides: OverrideConfig[] = [{ type: 'Helm', value: JSON.stringify({ text: 'x'.repeat(3_000) }) }];
    const charts = [chart('web'), chart('db')];
    const { description } = render({ feeds: [feed('web'), feed('db')], charts, overrides, more: { limit: 6_000 } });
    expect(description?.spec.charts).toEqual([{ namespace: 'shop', name: 'web' }]);
    expect(reasons(description)).toEqual({ db: 'TooLarge' });
    expect(description?.spec.skipped?.[0]?.message).toMatch(
      /^HelmChart shop\/db takes \d+ bytes with its values .* may take 6000/,
    );
  });

  it('keeps a chart whose values have become too large, and says so of the override', () => {
    const charts = [chart('web'), chart('db')];
    const feeds = [feed('web'), feed('db')];
    const first = render({ feeds, charts });
    const limit = JSON.stringify(first.description?.spec).length + 1_000;
    const override = { config: { type: 'Helm' as const, value: JSON.stringify({ text: 'x'.repeat(2_000) }) } };
    const overridesOf = ({ name }: Feed) => (name === 'web' ? [override] : []);
    const { description, outcomes } = render({ feeds, charts, previous: first, more: { limit, overridesOf } });
    expect(description?.spec.charts).toEqual(first.description?.spec.charts);
    expect(description?.spec.raw).toEqual(first.description?.spec.raw);
    expect(description?.spec.skipped?.[0]?.message).toMatch(/^HelmChart shop\/web takes .*; what was deployed before stays$/);
    expect(outcomes).toMatchObject([{ state: 'failed', message: expect.stringContaining('HelmChart shop/web takes') }]);
  });

  it('gives room to what is deployed before what is new', () => {
    const first = render({ feeds: [feed('db')], charts: [chart('db')] });
    const limit = JSON.stringify(first.description?.spec).length + 100;
    const feeds = [feed('web'), feed('db')];
    const { description } = render({ feeds, charts: [chart('web'), chart('db')], previous: first, more: { limit } });
    expect(description?.spec.charts).toEqual([{ namespace: 'shop', name: 'db' }]);
    expect(reasons(description)).toEqual({ web: 'TooLarge' });
  });
});
