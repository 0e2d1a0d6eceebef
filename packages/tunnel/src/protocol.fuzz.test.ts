// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { allocateFrame, bareFrame, errorFrame, FrameType, numberFrame, openFrame, textFrame } from './protocol/frame.ts';
import { encodeHello } from './protocol/hello.ts';
import { collect } from './testing/collect.ts';
import { MuxPair, type MuxPairOptions } from './testing/muxPair.ts';

/** A server whose client is replaced by frames of the test's own making. */
async function victim(options: MuxPairOptions = {}) {
  const pair = await MuxPair.ready({ onStream: async () => new PassThrough(), ...options });
  pair.serverLink.highWaterMark = Infinity;
  const attack = (...frames: Buffer[]) => {
    for (const frame of frames) pair.serverLink.inject(frame);
  };
  const verdict = async () => {
    await setImmediate();
    return Promise.race([pair.server.closed.then(({ reason }) => reason), setImmediate('open')]);
  };
  return { pair, attack, verdict };
}

function data(id: number, bytes: number): Buffer {
  return allocateFrame(FrameType.data, id, bytes).fill(1, 5);
}

const open = (id: number) => openFrame(id, 1000, 'x');
const window = 1024 * 1024;

describe('a peer that breaks the rules', () => {
  it.each<[string, () => Buffer[]]>([
    ['an unknown type', () => [bareFrame(77, 1)]],
    ['no type at all', () => [Buffer.alloc(3)]],
    ['an empty frame', () => [Buffer.alloc(0)]],
    ['a second hello', () => [textFrame(FrameType.hello, encodeHello({ versions: [1], maxFrame: 65536 }))]],
    ['data for a stream that never was', () => [data(9, 10)]],
    ['data for stream 0', () => [data(0, 10)]],
    ['data for a stream of ours that we never opened', () => [data(2, 10)]],
    ['credit for a stream that never was', () => [numberFrame(FrameType.credit, 9, 10)]],
    ['an end for a stream that never was', () => [bareFrame(FrameType.end, 9)]],
    ['a reset for a stream that never was', () => [errorFrame(FrameType.reset, 9, { code: '', message: '' })]],
    ['an answer to an open that never was', () => [numberFrame(FrameType.accept, 2, 10)]],
    ['an answer to an open of its own', () => [open(1), numberFrame(FrameType.accept, 1, 10)]],
    ['a refusal of an open of its own', () => [open(1), errorFrame(FrameType.refuse, 1, { code: '', message: '' })]],
    ['an open with an id of ours', () => [open(2)]],
    ['an open with id 0', () => [open(0)]],
    ['an id used twice', () => [open(1), open(1)]],
    ['an id below one used before', () => [open(5), open(3)]],
    ['an open without a target', () => [numberFrame(FrameType.open, 1, 10)]],
    ['an open with a target that is too long', () => [openFrame(1, 10, 'x'.repeat(4097))]],
    ['an open without credit', () => [openFrame(1, 0, 'x')]],
    ['an open with 4 GB of credit', () => [openFrame(1, 0xffff_ffff, 'x')]],
    ['an error with a length beyond its end', () => [open(1), Buffer.from([FrameType.reset, 0, 0, 0, 1, 60, 65])]],
    ['an error that is too long', () => [open(1), allocateFrame(FrameType.reset, 1, 4000).fill(0, 5)]],
    ['a drain from a client', () => [numberFrame(FrameType.drain, 0, 10)]],
    ['a frame beyond the limit', () => [open(1), data(1, 100_000)]],
  ])('is cut off for %s', async (_name, frames) => {
    const { attack, verdict } = await victim();
    attack(...frames());
    expect(await verdict()).toMatch(/^protocol error/);
  });

  it.each<[string, () => Buffer[]]>([
    ['data before the stream is accepted', () => [open(3), data(3, 1)]],
    ['data beyond its credit', () => Array.from({ length: 20 }, () => data(1, 60_000))],
    ['data without data', () => [data(1, 0)]],
    ['data after the end', () => [bareFrame(FrameType.end, 1), data(1, 1)]],
    ['two ends', () => [bareFrame(FrameType.end, 1), bareFrame(FrameType.end, 1)]],
    ['no credit', () => [numberFrame(FrameType.credit, 1, 0)]],
    ['credit that is negative', () => [numberFrame(FrameType.credit, 1, 0x8000_0000)]],
    [
      'credit that overflows',
      () => [numberFrame(FrameType.credit, 1, 0x7fff_ffff), numberFrame(FrameType.credit, 1, 0x7fff_ffff)],
    ],
    ['credit of a wrong size', () => [allocateFrame(FrameType.credit, 1, 8).fill(0, 5)]],
  ])('is cut off in an open stream for %s', async (_name, frames) => {
    // A dial that nobody reads from: nothing gives credit back.
    const { attack, verdict, pair } = await victim({ onStream: async () => new PassThrough({ highWaterMark: 1 }) });
    attack(open(1));
    await setImmediate();
    expect(pair.server.streams).toBe(1);
    attack(...frames());
    expect(await verdict()).toMatch(/^protocol error/);
    expect(pair.server.streams).toBe(0);
  });

  it('must say hello first, in a version that is known', async () => {
    for (const [frame, reason] of [
      [open(1), 'hello must be the first frame'],
      [textFrame(FrameType.hello, '{'), 'not JSON'],
      [textFrame(FrameType.hello, '[]'), 'without a proper frame size'],
      [textFrame(FrameType.hello, encodeHello({ versions: [1], maxFrame: 10 })), 'without a proper frame size'],
      [textFrame(FrameType.hello, encodeHello({ versions: [2, 3], maxFrame: 65536 })), 'ours are 1, theirs 2, 3'],
      [textFrame(FrameType.hello, ' '.repeat(2000)), 'too long'],
    ] as const) {
      const pair = new MuxPair();
      pair.serverLink.inject(frame);
      expect((await pair.server.closed).reason).toContain(reason);
    }
  });

  it('may still speak of a stream that was closed here meanwhile', async () => {
    const near = new PassThrough();
    const { attack, verdict, pair } = await victim({ onStream: async () => near });
    attack(open(1));
    await setImmediate();
    near.destroy(new Error('gone'));
    await setImmediate();
    expect(pair.server.streams).toBe(0);
    attack(
      data(1, 10),
      numberFrame(FrameType.credit, 1, 10),
      bareFrame(FrameType.end, 1),
      errorFrame(FrameType.reset, 1, { code: '', message: '' }),
    );
    expect(await verdict()).toBe('open');
  });

  it('gets one answer however often it asks', async () => {
    const { attack, pair } = await victim();
    pair.serverLink.highWaterMark = 0;
    for (let i = 0; i < 100_000; i++) attack(bareFrame(FrameType.ping));
    expect(pair.serverLink.wire.length).toBe(0);
    pair.serverLink.highWaterMark = Infinity;
    pair.serverLink.handler?.onDrain();
    expect(pair.serverLink.wire.length).toBe(1);
  });

  it('cannot pile up answers that it does not read', async () => {
    const { attack, verdict, pair } = await victim({ maxStreams: 1 });
    pair.serverLink.highWaterMark = 0;
    for (let id = 1; id < 50_000; id += 2) attack(open(id));
    expect(await verdict()).toBe('the other end does not read');
  });
});

describe('whatever a peer sends', () => {
  const anyFrame = fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.integer({ min: 0, max: 13 }),
          fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(0xffff_ffff, 0x8000_0000)),
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
            fc.nat().map((value) => numberFrame(1, 0, value).subarray(5)),
            fc.integer({ min: 1, max: 60_000 }).map((length) => Buffer.alloc(length)),
          ),
        )
        .map(([type, id, payload]) => {
          const frame = allocateFrame(type, id, payload.length);
          payload.copy(frame, 5);
          return frame;
        }),
    },
  );

  it('is answered, or ends the tunnel, and holds no more than the windows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 60 }), fc.integer({ min: 0, max: 3 }), async (frames, pause) => {
        const { attack, pair } = await victim({ maxStreams: 4, onStream: async () => new PassThrough() });
        const bystander = await MuxPair.ready({ onStream: async () => new PassThrough() });
        const stream = await bystander.settled(bystander.client.open('x'));
        attack(open(1));
        await setImmediate();
        for (const frame of frames) {
          attack(frame);
          if (pause > 0 && frame.length % (pause + 1) === 0) await setImmediate();
        }
        expect(pair.server.streams).toBeLessThanOrEqual(4);
        await pair.server.close();
        await setImmediate();
        expect([pair.server.streams, pair.clock.timers]).toEqual([0, 0]);
        stream.end('still well');
        expect(String(await bystander.settled(collect(stream)))).toBe('still well');
      }),
      { seed: 20_261_121, numRuns: 300 },
    );
  });

  it('is flat in memory while an attacker pushes all it may into many streams', async () => {
    const streams = 16;
    const { attack, pair } = await victim({
      maxStreams: streams,
      windowBytes: window,
      onStream: async () => new PassThrough({ highWaterMark: 1 }),
    });
    for (let i = 0; i < streams; i++) attack(open(1 + 2 * i));
    await setImmediate();
    for (let round = 0; round < window / 4 / 32_768; round++) {
      for (let i = 0; i < streams; i++) attack(data(1 + 2 * i, 32_768));
      await setImmediate();
    }
    expect(pair.server.bytesIn).toBeLessThan(streams * (window / 4 + 2000));
    expect(pair.server.streams).toBe(streams);
    attack(data(1, 65_000));
    expect((await pair.server.closed).reason).toContain('beyond the credit');
  });
});
