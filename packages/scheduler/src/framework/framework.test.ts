// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadPluginModules } from '../config/pluginModules.ts';
import { profilesOf, schedulerConfiguration } from '../config/schedulerConfiguration.ts';
import { cluster, subscription } from '../testing/objects.ts';
import { look, testFramework } from '../testing/framework.ts';
import { type Plugin, type PluginFactory } from './plugin.ts';
import { unschedulable } from './status.ts';

const plugin =
  (rest: Omit<Plugin, 'name'>): PluginFactory =>
  () => ({ name: 'Mine', ...rest });
const enable = (point: string) => ({ plugins: { [point]: { enabled: [{ name: 'Mine' }] } } });

async function tried(point: string, rest: Omit<Plugin, 'name'>, pluginTimeoutMs = 1_000) {
  const framework = await testFramework({ plugins: { Mine: plugin(rest) }, profile: enable(point), pluginTimeoutMs });
  return { framework, outcome: await look(subscription(), [cluster('a'), cluster('b')], { framework }) };
}

describe('a plugin of one’s own', () => {
  it('leaves clusters out for its reasons, at once or later', async () => {
    for (const answer of [unschedulable('were painted red'), Promise.resolve(unschedulable('were painted red'))]) {
      const { outcome } = await tried('filter', { filter: (_, { key }) => (key === 'ns-a/a' ? answer : undefined) });
      expect(outcome.decision).toMatchObject({
        bindings: ['ns-b/b'],
        scheduled: { message: 'bound to 1 cluster; left out: 1 were painted red' },
        leftOut: 'Mine 1',
      });
    }
  });

  it('adds to what is said when nothing is left', async () => {
    const factory: PluginFactory = () => ({
      name: 'Mine',
      filter: () => unschedulable('were painted red'),
      postFilter: () => unschedulable('Paint some of them.'),
    });
    const points = { filter: { enabled: [{ name: 'Mine' }] }, postFilter: { enabled: [{ name: 'Mine' }] } };
    const framework = await testFramework({ plugins: { Mine: factory }, profile: { plugins: points } });
    const { decision } = await look(subscription(), [cluster('a')], { framework });
    expect(decision.scheduled.message).toBe('0/1 clusters are available: 1 were painted red. Paint some of them.');
  });

  it.each<[string, Omit<Plugin, 'name'>, RegExp]>([
    ['preFilter', { preFilter: () => unschedulable('it is Sunday') }, /^Mine: it is Sunday$/],
    ['postAssign', { postAssign: () => unschedulable('too many') }, /^Mine: too many$/],
  ])('that objects at %s changes nothing and says why', async (point, rest, message) => {
    const { outcome } = await tried(point, rest);
    expect(outcome.decision).toMatchObject({ bindings: [], scheduled: { status: 'False', reason: 'Unschedulable' } });
    expect(outcome.decision.scheduled.message).toMatch(message);
  });

  it.each<[string, Omit<Plugin, 'name'>, RegExp]>([
    [
      'filter',
      {
        filter: () => {
          throw new Error('boom');
        },
      },
      /plugin Mine failed at filter: boom/,
    ],
    ['filter', { filter: () => Promise.reject(new Error('boom')) }, /plugin Mine failed at filter: boom/],
    ['preFilter', { preFilter: () => ({ code: 'Error', reasons: ['no database'] }) }, /failed at preFilter: no database/],
    ['score', { score: () => Number.NaN }, /failed at score: the score of ns-a\/a is NaN/],
    ['score', { score: () => 101 }, /has to be from 0 to 100/],
    ['filter', { filter: () => new Promise<undefined>(() => undefined) }, /failed at filter: no answer within/],
  ])('that fails at %s is named in the condition, and the decision is tried again', async (point, rest, message) => {
    const { outcome } = await tried(point, rest, 20);
    expect(outcome.decision.scheduled).toMatchObject({ status: 'False', reason: 'PluginFailed' });
    expect(outcome.decision.scheduled.message).toMatch(message);
    expect(outcome.error).toBeDefined();
  });

  it('that hung is not waited for again at once', async () => {
    let calls = 0;
    const hangs = () => {
      calls++;
      return new Promise<undefined>(() => undefined);
    };
    const { framework } = await tried('preFilter', { preFilter: hangs }, 20);
    const { decision } = await look(subscription(), [cluster('a')], { framework });
    expect(decision.scheduled.message).toMatch(/no answer within 20ms/);
    expect(calls).toBe(1);
  });
});

describe('a profile', () => {
  it('has the default plugins, in their order, and its own after them', async () => {
    const framework = await testFramework({ plugins: { Mine: plugin({ filter: () => undefined }) }, profile: enable('filter') });
    expect(framework.at('filter')).toEqual([
      'ClusterAffinity',
      'NotDeleting',
      'TaintToleration',
      'ClusterReadiness',
      'APIAvailability',
      'Mine',
    ]);
  });

  it('can do without some, or all', async () => {
    const without = (name: string) => testFramework({ profile: { plugins: { filter: { disabled: [{ name }] } } } });
    expect((await without('TaintToleration')).at('filter')).not.toContain('TaintToleration');
    expect((await without('*')).at('filter')).toEqual([]);
  });

  it.each<[string, Parameters<typeof testFramework>[0], RegExp]>([
    [
      'an unknown plugin',
      { profile: enable('filter') },
      /profile default: plugins.filter names the unknown plugin Mine; known are APIAvailability, /,
    ],
    [
      'a plugin at a point that it has no method for',
      { plugins: { Mine: plugin({}) }, profile: enable('bind') },
      /plugins.bind: Mine has no method bind/,
    ],
    ['no bind plugin', { profile: { plugins: { bind: { disabled: [{ name: '*' }] } } } }, /at least one bind plugin/],
    [
      'a score of no weight',
      { profile: { plugins: { score: { enabled: [{ name: 'TaintToleration', weight: 0 }] } } } },
      /has weight 0; disable it instead/,
    ],
    [
      'a weight for a filter',
      { profile: { plugins: { filter: { enabled: [{ name: 'TaintToleration', weight: 2 }] } } } },
      /only score plugins have/,
    ],
    [
      'disabling what is not enabled',
      { profile: { plugins: { permit: { disabled: [{ name: 'X' }] } } } },
      /X cannot be disabled as it is not enabled/,
    ],
    ['args for nobody', { profile: { pluginConfig: [{ name: 'X' }] } }, /pluginConfig names the unknown plugin X/],
    ['args twice', { profile: { pluginConfig: [{ name: 'Predictor' }, { name: 'Predictor' }] } }, /names Predictor twice/],
    [
      'wrong args',
      { profile: { pluginConfig: [{ name: 'Predictor', args: { cacheSecond: 5 } }] } },
      /plugin Predictor cannot be made: args: .*cacheSecond/s,
    ],
    [
      'a plugin of another name',
      { plugins: { Mine: () => ({ name: 'Yours' }) }, profile: enable('filter') },
      /return an object with the name "Mine"/,
    ],
  ])('is refused with %s', async (_, options, message) => {
    await expect(testFramework(options)).rejects.toThrow(message);
  });
});

describe('the configuration file', () => {
  it('has one profile named default if it says nothing', () => {
    expect(profilesOf(schedulerConfiguration.parse({}))).toEqual([{ schedulerName: 'default' }]);
  });

  it.each<[object, string]>([
    [{ profile: [] }, 'profile'],
    [{ profiles: [{ schedulername: 'a' }] }, 'profiles.0'],
    [{ profiles: [{ plugins: { filters: {} } }] }, 'profiles.0.plugins'],
    [{ profiles: [{ plugins: { filter: { enable: [] } } }] }, 'profiles.0.plugins.filter'],
    [{ profiles: [{}, { schedulerName: 'a' }] }, 'profiles'],
    [{ profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] }, 'profiles'],
    [{ percentageOfClustersToScore: 101 }, 'percentageOfClustersToScore'],
    [{ kind: 'Scheduler' }, 'kind'],
  ])('is refused with its path: %j', (file, path) => {
    const result = schedulerConfiguration.safeParse(file);
    const paths = result.error?.issues.map((issue) => [...issue.path, ...('keys' in issue ? issue.keys : [])].join('.')) ?? [];
    expect(paths.some((one) => one.startsWith(path))).toBe(true);
  });
});

describe('loadPluginModules', () => {
  it('loads plugins by path, and says what is wrong with a module', async () => {
    const from = await mkdtemp(join(tmpdir(), 'plugins-'));
    try {
      await writeFile(
        join(from, 'good.mjs'),
        "export const plugins = { Red: () => ({ name: 'Red', filter: () => undefined }) };",
      );
      await writeFile(join(from, 'empty.mjs'), 'export const plugin = {};');
      await writeFile(join(from, 'broken.mjs'), 'export const plugins = {');
      const load = (name: string, known = {}) => loadPluginModules([name], { known, from });
      expect(Object.keys(await load('./good.mjs'))).toEqual(['Red']);
      await expect(load('./good.mjs', { Red: () => ({ name: 'Red' }) })).rejects.toThrow(/there is a plugin Red already/);
      await expect(load('./empty.mjs')).rejects.toThrow(/has to export "plugins"/);
      await expect(load('./none.mjs')).rejects.toThrow(/none.mjs cannot be loaded/);
      await expect(load('./broken.mjs')).rejects.toThrow(/broken.mjs cannot be loaded/);
      await expect(load('no-such-package-here')).rejects.toThrow(/no-such-package-here cannot be loaded/);
    } finally {
      await rm(from, { recursive: true });
    }
  });
});
