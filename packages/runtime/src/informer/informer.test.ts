// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { Metrics } from '../metrics/metrics.ts';
import { FakeClock } from '../testing/fakeClock.ts';
import { apiError, configMap, FakeCollection } from '../testing/fakeCollection.ts';
import { RecordingLogger } from '../testing/recordingLogger.ts';
import { Informer, type InformerOptions } from './informer.ts';

const running: Informer<KubeObject>[] = [];
afterEach(async () => {
  for (const informer of running.splice(0)) await informer.close();
});

function setUp(
  { onCall, ...options }: Partial<InformerOptions<KubeObject>> & { onCall?: FakeCollection['onCall'] } = {},
  objects: KubeObject[] = [],
) {
  const clock = new FakeClock();
  const server = new FakeCollection();
  for (const object of objects) server.put(object);
  if (onCall) server.onCall = onCall;
  const logger = new RecordingLogger();
  const informer = new Informer<KubeObject>({
    client: server.client,
    resource: core.configMaps,
    logger,
    clock,
    random: () => 0.5,
    ...options,
  });
  const changes: string[] = [];
  informer.onChange(({ type, key }) => changes.push(`${type} ${key.replace('default/', '')}`));
  running.push(informer);
  informer.start();
  return { clock, server, logger, informer, changes };
}

function expectSame(informer: Informer<KubeObject>, server: FakeCollection): void {
  expect(informer.keys().sort()).toEqual(server.keys());
  for (const object of informer.list()) {
    const stored = server.get(`default/${object.metadata.name}`);
    expect(object.metadata.resourceVersion).toBe(stored?.metadata.resourceVersion);
  }
}

const lists = (server: FakeCollection): number => server.calls.filter((call) => call === 'list').length;

describe('Informer', () => {
  it('lists in pages and follows from there', async () => {
    const objects = Array.from({ length: 25 }, (_, index) => configMap(`cm-${index}`));
    const { clock, server, informer, changes } = setUp({ pageSize: 10 }, objects);
    expect(informer.synced).toBe(false);
    await clock.advance(0);
    await informer.waitForSync();
    expect(server.calls).toEqual(['list', 'list page', 'list page', 'watch']);
    expect(server.watches[0]?.resourceVersion).toBe('125');
    changes.length = 0;
    server.put(configMap('new'));
    server.put(configMap('cm-3', { a: 'b' }));
    server.remove('default/cm-4');
    await clock.advance(0);
    expect(changes).toEqual(['added new', 'modified cm-3', 'deleted cm-4']);
    expectSame(informer, server);
  });

  it('drops managedFields unless told otherwise', async () => {
    const managed = configMap('a', {}, { managedFields: [{ manager: 'x' }] });
    const { clock, informer } = setUp({}, [managed]);
    const other = setUp({ transform: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }) }, [managed]);
    await clock.advance(0);
    await other.clock.advance(0);
    expect(informer.get('default/a')?.metadata.managedFields).toBeUndefined();
    expect(informer.get('default/a')?.['data']).toEqual({});
    expect(other.informer.get('default/a')?.metadata.managedFields).toHaveLength(1);
    expect(other.informer.get('default/a')?.['data']).toBeUndefined();
  });

  it('resumes where it was when a connection drops, without a list and without losing or doubling a change', async () => {
    const { clock, server, informer, changes } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    server.put(configMap('b'));
    await clock.advance(0);
    server.endWatches(new Error('connection reset'));
    server.put(configMap('c'), { silently: true });
    await clock.advance(2_000);
    expect(changes).toEqual(['added a', 'added b', 'added c']);
    expect(lists(server)).toBe(2);
    expect(server.calls.filter((call) => call === 'list page')).toEqual([]);
    expect(server.watches).toHaveLength(2);
    expectSame(informer, server);
  });

  it('resumes at once, and with the version of the last bookmark, when the server ends a watch in order', async () => {
    const { clock, server } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    for (let count = 0; count < 50; count++) server.bookmark();
    await clock.advance(0);
    server.endWatches();
    await clock.advance(0);
    expect(server.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(['101', '151']);
    expect(lists(server)).toBe(1);
  });

  it('lists again after 410 and tells exactly the difference, deletions included', async () => {
    const { clock, server, informer, changes, logger } = setUp(
      {},
      ['kept', 'changed', 'removed', 'remade'].map((name) => configMap(name)),
    );
    await clock.advance(0);
    changes.length = 0;
    server.put(configMap('changed', { a: 'b' }), { silently: true });
    server.remove('default/removed', { silently: true });
    server.remove('default/remade', { silently: true });
    server.put(configMap('remade'), { silently: true });
    server.put(configMap('added'), { silently: true });
    server.compact();
    server.endWatches();
    await clock.advance(60_000);
    expect(changes.sort()).toEqual(['added added', 'added remade', 'deleted remade', 'deleted removed', 'modified changed']);
    expectSame(informer, server);
    expect(logger.messages('warn')).toEqual([]);
  });

  it('lives through an API server that is down for a while, asking less and less often', async () => {
    const { clock, server, informer, changes, logger } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    server.onCall = () => {
      throw new Error('connection refused');
    };
    server.endWatches(new Error('connection reset'));
    const before = server.calls.length;
    await clock.advance(600_000);
    const tries = server.calls.length - before;
    expect(tries).toBeGreaterThan(30);
    expect(tries).toBeLessThan(90);
    expect(informer.get('default/a')).toBeDefined();
    // Once per minute at most.
    expect(logger.messages('warn').length).toBeLessThanOrEqual(11);
    server.put(configMap('b'), { silently: true });
    server.remove('default/a', { silently: true });
    server.onCall = () => undefined;
    await clock.advance(15_000);
    expect(changes).toEqual(['added a', 'added b', 'deleted a']);
    expect(logger.messages('info')).toContain('following the collection again');
  });

  it('is not yet in sync while the API server refuses the list, and is when it stops refusing', async () => {
    const { clock, server, informer } = setUp({
      onCall: () => {
        throw apiError(403, 'Forbidden', 'not yet');
      },
    });
    await clock.advance(20_000);
    expect(informer.synced).toBe(false);
    const abort = new AbortController();
    const waiting = informer.waitForSync(abort.signal);
    abort.abort(new Error('waited enough'));
    await expect(waiting).rejects.toThrow('waited enough');
    server.onCall = () => undefined;
    await clock.advance(20_000);
    expect(informer.synced).toBe(true);
    await informer.waitForSync(new AbortController().signal);
  });

  it('starts a list over whose pages expired', async () => {
    const { clock, server, informer } = setUp({ pageSize: 1 }, [configMap('a'), configMap('b')]);
    let expired = 0;
    server.onCall = (call) => {
      if (call === 'list page' && expired++ === 0) throw apiError(410, 'Expired', 'the continue token is too old');
    };
    await clock.advance(1_000);
    expect(informer.synced).toBe(true);
    expectSame(informer, server);
  });

  it('leaves a quiet watch alone and finds a dead one', async () => {
    const { clock, server, informer } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    for (let minute = 0; minute < 5; minute++) {
      server.bookmark();
      await clock.advance(60_000);
    }
    expect(server.watches).toHaveLength(1);
    server.blackHole();
    server.put(configMap('b'));
    await clock.advance(160_000);
    expect(server.watches).toHaveLength(2);
    expect(lists(server)).toBe(1);
    expectSame(informer, server);
  });

  it('asks the server to end each watch, so that one without bookmarks is not for ever either', async () => {
    const { clock, server } = setUp();
    await clock.advance(0);
    expect(server.watches[0]?.timeoutSeconds).toBe(450);
    await clock.advance(600_000);
    expect(server.watches).toHaveLength(1);
  });

  it('does not hammer a server that ends every watch at once', async () => {
    const { clock, server } = setUp();
    server.onCall = (call) => {
      if (call === 'watch') setImmediate(() => server.endWatches());
    };
    await clock.advance(60_000);
    expect(server.watches.length).toBeLessThan(25);
  });

  it('lists again when a version is refused again and again for another reason than age', async () => {
    const { clock, server, informer } = setUp({}, [configMap('a')]);
    server.onCall = (call) => {
      if (call === 'watch' && lists(server) < 2) throw apiError(500, 'InternalError', 'cannot watch from there');
    };
    await clock.advance(10_000);
    expect(lists(server)).toBe(2);
    expect(server.openWatches).toBe(1);
    expectSame(informer, server);
  });

  it('lists again when the server comes back with an older state, as from a backup', async () => {
    const { clock, server, informer, changes } = setUp({}, [configMap('a'), configMap('b')]);
    await clock.advance(0);
    const kept = server.get('default/a') as KubeObject;
    server.restore(50, [kept]);
    server.endWatches(new Error('connection reset'));
    await clock.advance(5_000);
    expect(changes).toEqual(['added a', 'added b', 'deleted b']);
    server.put(configMap('c'));
    await clock.advance(0);
    expectSame(informer, server);
  });

  it('survives handlers that throw or reject, and tells the others', async () => {
    const { clock, server, informer, changes, logger } = setUp();
    informer.onChange(() => {
      throw new Error('bad handler');
    });
    const asyncHandler: unknown = () => Promise.reject(new Error('bad async handler'));
    informer.onChange(asyncHandler as () => void);
    const last: string[] = [];
    informer.onChange(({ key }) => last.push(key));
    await clock.advance(0);
    server.put(configMap('a'));
    server.put(configMap('b'));
    await clock.advance(0);
    expect(changes).toEqual(['added a', 'added b']);
    expect(last).toEqual(['default/a', 'default/b']);
    expect(logger.messages('error')).toHaveLength(4);
  });

  it('tells a late handler what is there, and one that left nothing more', async () => {
    const { clock, server, informer } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    const late: string[] = [];
    const leave = informer.onChange(({ type, key }) => late.push(`${type} ${key}`));
    expect(late).toEqual(['added default/a']);
    leave();
    server.put(configMap('b'));
    await clock.advance(0);
    expect(late).toHaveLength(1);
  });

  it('reports its objects, lists and watches', async () => {
    const metrics = new Metrics();
    const { clock, server, informer } = setUp({ metrics }, [configMap('a')]);
    await clock.advance(0);
    server.endWatches(new Error('connection reset'));
    await clock.advance(1_000);
    const text = await metrics.registry.metrics();
    expect(text).toContain('clusternet_informer_objects{resource="configmaps"} 1');
    expect(text).toContain('clusternet_informer_lists_total{resource="configmaps"} 1');
    expect(text).toContain('clusternet_watch_restarts_total{resource="configmaps",reason="error"} 1');
    await informer.close();
    expect(await metrics.registry.metrics()).toContain('clusternet_informer_objects{resource="configmaps"} 0');
  });

  it('ends with everything it started when closed', async () => {
    const { clock, server, informer } = setUp({}, [configMap('a')]);
    await clock.advance(0);
    await informer.close();
    await clock.advance(0);
    expect(server.openWatches).toBe(0);
    expect(clock.pending).toBe(0);
    expect(informer.get('default/a')).toBeDefined();
    await informer.close();
  });

  it('rejects those who wait for it when closed before it was in sync', async () => {
    const { informer } = setUp({ onCall: () => new Promise(() => undefined) });
    const waiting = expect(informer.waitForSync()).rejects.toThrow('is closed');
    void informer.close();
    running.length = 0;
    await waiting;
  });
});
