// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { FakeClock } from '../testing/fakeClock.ts';
import { apiError, configMap, FakeCollection } from '../testing/fakeCollection.ts';
import { RecordingLogger } from '../testing/recordingLogger.ts';
import { EventBook, type EventContent } from './eventBook.ts';
import { EventRecorder } from './eventRecorder.ts';

const minute = 60_000;
const object = configMap('app', {}, { uid: 'u1' });
const failed = { type: 'Warning' as const, reason: 'Failed', message: 'it failed' };

function setUp() {
  const clock = new FakeClock();
  const server = new FakeCollection(core.events);
  const logger = new RecordingLogger();
  let luck = 0;
  const random = (): number => (luck = (luck + 0.001) % 1);
  const recorder = new EventRecorder({ client: server.client, component: 'hub', logger, clock, random });
  const events = (): KubeObject[] => server.keys().map((key) => server.get(key) as KubeObject);
  return { clock, server, logger, recorder, events };
}

describe('EventRecorder', () => {
  it('writes an event of the object', async () => {
    const { recorder, events } = setUp();
    recorder.event(object, failed);
    await recorder.flush();
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      kind: 'Event',
      metadata: { namespace: 'default', name: expect.stringMatching(/^app\.[0-9a-f]{12}$/) as unknown },
      involvedObject: { kind: 'ConfigMap', name: 'app', namespace: 'default', uid: 'u1' },
      type: 'Warning',
      reason: 'Failed',
      message: 'it failed',
      count: 1,
      source: { component: 'hub' },
    });
  });

  it('puts events of cluster-scoped objects into the default namespace', async () => {
    const { recorder, events } = setUp();
    recorder.event({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } }, failed);
    await recorder.flush();
    expect(events()[0]?.metadata.namespace).toBe('default');
  });

  it('writes a repeat only as a count, once per ten minutes', async () => {
    const { recorder, events, clock, server } = setUp();
    for (let count = 0; count < 120; count++) {
      recorder.event(object, failed);
      await clock.advance(minute / 4);
    }
    expect(server.calls.length).toBeLessThanOrEqual(4);
    await recorder.flush();
    expect(events()).toHaveLength(1);
    expect(events()[0]?.['count']).toBe(120);
  });

  it('writes the last count although the event does not come again', async () => {
    const { recorder, events, clock } = setUp();
    recorder.event(object, failed);
    recorder.event(object, failed);
    await clock.advance(12 * minute);
    expect(events()[0]?.['count']).toBe(2);
  });

  it('makes the event again when the API server has deleted it', async () => {
    const { recorder, events, server } = setUp();
    recorder.event(object, failed);
    await recorder.flush();
    server.remove(server.keys()[0] ?? '');
    recorder.event(object, failed);
    await recorder.flush();
    expect(events()[0]?.['count']).toBe(2);
  });

  it('never throws or blocks, whatever the API server says, and warns once', async () => {
    const { recorder, server, logger } = setUp();
    server.onCall = () => {
      throw apiError(403, 'Forbidden', 'namespace is terminating');
    };
    for (let count = 0; count < 10; count++) recorder.event(object, { ...failed, message: `failure ${count}` });
    recorder.event(undefined as unknown as KubeObject, failed);
    await recorder.flush();
    expect(logger.messages('warn')).toEqual(['an event was not written']);
  });

  it('drops what does not fit into its queue', async () => {
    const { recorder, server } = setUp();
    let release = (): void => undefined;
    server.onCall = () => new Promise<void>((resolve) => (release = resolve));
    for (let count = 0; count < 5_000; count++) recorder.event(configMap(`app-${count}`, {}, { uid: String(count) }), failed);
    server.onCall = () => undefined;
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await recorder.close();
    expect(server.keys().length).toBeLessThanOrEqual(1_001);
    recorder.event(object, failed);
    await recorder.close();
    expect(server.keys().length).toBeLessThanOrEqual(1_001);
  });

  it('lets no secret and no endless text into a message', async () => {
    const { recorder, events } = setUp();
    recorder.event(object, { ...failed, message: `token abcdef.0123456789abcdef ${'x'.repeat(5_000)}` });
    await recorder.flush();
    const message = events()[0]?.['message'] as string;
    expect(message).not.toContain('0123456789abcdef');
    expect(message).toHaveLength(1024);
  });

  it('leaves no timer behind when closed', async () => {
    const { recorder, clock } = setUp();
    recorder.event(object, failed);
    await recorder.close();
    expect(clock.pending).toBe(0);
  });
});

describe('EventBook', () => {
  const content = (message: string, uid = 'u1'): EventContent => ({
    ...failed,
    message,
    namespace: 'default',
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: 'app', uid },
  });

  it('gives each object a budget that refills slowly', () => {
    const book = new EventBook(() => 0.5);
    const outcomes = Array.from({ length: 30 }, (_, index) => book.record(content(String(index)), 0));
    expect(outcomes.filter((outcome) => outcome === 'over budget')).toHaveLength(5);
    expect(book.record(content('other', 'u2'), 0)).not.toBe('over budget');
    expect(book.record(content('later'), 5 * minute)).not.toBe('over budget');
    expect(book.record(content('again'), 5 * minute)).toBe('over budget');
  });

  it('forgets in time and never holds more than its bound', () => {
    const book = new EventBook(() => 0.5);
    for (let index = 0; index < 20_000; index++) book.record(content('x', `u${index}`), 0);
    expect(book.size).toBeLessThanOrEqual(2 * 4096);
    book.sweep(11 * minute);
    expect(book.size).toBe(0);
  });
});
