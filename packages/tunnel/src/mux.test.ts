// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { refusals } from './errors.ts';
import { FrameType } from './protocol/frame.ts';
import { collect } from './testing/collect.ts';
import { MuxPair, type MuxPairOptions } from './testing/muxPair.ts';

const KiB = 1024;

/** A pair with one stream open; `far` is what the server's handler gave. */
async function openStream(options: MuxPairOptions = {}) {
  const [near, far] = duplexPair();
  far.on('error', nothing);
  const pair = await MuxPair.ready({ onStream: async () => near, ...options });
  const stream = await pair.settled(pair.client.open('somewhere'));
  return { pair, stream, far, near };
}

const nothing = (): void => {};

describe('opening', () => {
  it('hands the target to the other end, from either end', async () => {
    const targets: string[] = [];
    const serve = (name: string) => async (target: string) => {
      targets.push(`${name} ${target}`);
      return new PassThrough();
    };
    const pair = await MuxPair.ready({ onStream: serve('server'), onClientStream: serve('client') });
    await pair.settled(Promise.all([pair.client.open('tcp/a:1'), pair.server.open('tcp/b:2')]));
    expect(targets.sort()).toEqual(['client tcp/b:2', 'server tcp/a:1']);
    expect([pair.client.streams, pair.server.streams]).toEqual([2, 2]);
  });

  it('takes targets of 4 KiB and no longer', async () => {
    const pair = await MuxPair.ready({ onStream: async () => new PassThrough() });
    await pair.settled(pair.client.open('é'.repeat(2048)));
    await expect(pair.client.open('é'.repeat(2049))).rejects.toThrow('4096');
    await expect(pair.client.open('')).rejects.toThrow(RangeError);
  });

  it('passes on why the dial failed', async () => {
    const pair = await MuxPair.ready({
      onStream: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' })),
    });
    await expect(pair.settled(pair.client.open('x'))).rejects.toMatchObject({
      name: 'StreamRefusedError',
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 10.0.0.1:443',
    });
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('survives a handler that throws at once, and tells that there is none', async () => {
    const pair = await MuxPair.ready({
      onStream: () => {
        throw new Error('bug');
      },
    });
    await expect(pair.settled(pair.client.open('x'))).rejects.toMatchObject({ code: refusals.failed, message: 'bug' });
    await expect(pair.settled(pair.server.open('x'))).rejects.toMatchObject({ code: refusals.notServed });
  });

  it('refuses what is beyond maxStreams, and nothing else suffers', async () => {
    const pair = await MuxPair.ready({ maxStreams: 2, onStream: async () => new PassThrough() });
    const [first] = await pair.settled(Promise.all([pair.client.open('1'), pair.client.open('2')]));
    await expect(pair.settled(pair.client.open('3'))).rejects.toMatchObject({ code: refusals.tooManyStreams });
    first?.destroy();
    await pair.settle();
    await pair.settled(pair.client.open('4'));
  });

  it('counts dials until they settle, also those given up', async () => {
    const dials: ((stream: Duplex) => void)[] = [];
    const pair = await MuxPair.ready({ maxStreams: 1, onStream: () => new Promise((resolve) => dials.push(resolve)) });
    const abort = new AbortController();
    const opening = pair.client.open('1', { signal: abort.signal });
    opening.catch(nothing);
    await pair.settle();
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    await expect(pair.settled(pair.client.open('2'))).rejects.toMatchObject({ code: refusals.tooManyStreams });
    const late = new PassThrough();
    dials[0]?.(late);
    await pair.settle();
    expect(late.destroyed).toBe(true);
    expect(pair.server.streams).toBe(0);
  });

  it('aborts the dial at the other end', async () => {
    let signal: AbortSignal | undefined;
    const pair = await MuxPair.ready({
      onStream: (_target, context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
    });
    const abort = new AbortController();
    const opening = pair.client.open('1', { signal: abort.signal });
    opening.catch(nothing);
    await pair.settle();
    expect(signal?.aborted).toBe(false);
    abort.abort(new Error('enough'));
    await expect(pair.settled(opening)).rejects.toThrow('enough');
    expect(signal?.aborted).toBe(true);
    await expect(pair.client.open('2', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  it('fails when no answer comes in time, and leaves no timer', async () => {
    const pair = await MuxPair.ready({
      openTimeoutMs: 500,
      keepAliveMs: 100_000,
      deadAfterMs: 300_000,
      onStream: () => new Promise(() => {}),
    });
    const timers = pair.clock.timers;
    const opening = pair.client.open('1');
    opening.catch(nothing);
    await pair.settle();
    pair.clock.advance(500);
    await expect(pair.settled(opening)).rejects.toMatchObject({ name: 'StreamRefusedError', code: 'ETIMEDOUT' });
    expect(pair.clock.timers).toBe(timers);
  });

  it('destroys a stream whose open crossed its abort', async () => {
    const dialled = new PassThrough();
    const pair = await MuxPair.ready({ onStream: async () => dialled });
    const abort = new AbortController();
    const opening = pair.client.open('1', { signal: abort.signal });
    opening.catch(nothing);
    pair.clientLink.deliver();
    await setImmediate();
    abort.abort(new Error('enough'));
    await expect(pair.settled(opening)).rejects.toThrow('enough');
    expect(dialled.destroyed).toBe(true);
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
    expect(pair.client.open('2')).toBeInstanceOf(Promise);
  });
});

describe('bytes', () => {
  it('arrive in order and whole both ways', async () => {
    const { pair, stream, far } = await openStream({ windowBytes: 10_000 });
    const sent = Buffer.alloc(300_000, 'abcdefghijklmnopqrstuvw');
    for (let at = 0; at < sent.length; at += 7001) stream.write(sent.subarray(at, at + 7001));
    stream.end();
    far.end('answer');
    const [received, answer] = await pair.settled(Promise.all([collect(far), collect(stream)]));
    expect(received.equals(sent)).toBe(true);
    expect(answer.toString()).toBe('answer');
    await pair.settle();
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('go on in one direction after the other has ended', async () => {
    const { pair, stream, far } = await openStream();
    stream.end('request');
    expect(String(await pair.settled(collect(far)))).toBe('request');
    for (let i = 0; i < 3; i++) {
      far.write(`part ${i} `);
      await pair.settle();
    }
    far.end();
    expect(String(await pair.settled(collect(stream)))).toBe('part 0 part 1 part 2 ');
  });

  it('pass on a reset with its reason', async () => {
    const { pair, stream, near } = await openStream();
    const failed = new Promise<Error>((resolve) => near.on('error', resolve));
    stream.destroy(Object.assign(new Error('the caller went away'), { code: 'EPIPE' }));
    expect(await pair.settled(failed)).toMatchObject({
      name: 'StreamResetError',
      code: 'EPIPE',
      message: 'the caller went away',
    });
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('pass on the failure of what was dialled, cut to what an error may be', async () => {
    const { pair, stream, near } = await openStream();
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    near.destroy(new Error('ü'.repeat(2000)));
    const error = await pair.settled(failed);
    expect(error).toMatchObject({ name: 'StreamResetError', code: 'ECONNRESET', message: 'ü'.repeat(512) });
  });

  it('deliver a whole answer although the rest of the request found no reader', async () => {
    const { pair, stream, near, far } = await openStream({ windowBytes: 64 * KiB });
    stream.write(Buffer.alloc(200 * KiB));
    far.end('too large');
    await pair.settle();
    near.destroy();
    expect(String(await pair.settled(collect(stream)))).toBe('too large');
  });

  it('do not end the process when nobody listens to errors', async () => {
    const { pair, stream, near } = await openStream();
    near.destroy(new Error('x'));
    await pair.settle();
    expect(stream.destroyed).toBe(true);
  });
});

describe('flow control', () => {
  it('holds no more than the window for a reader that stalls, and goes on when it reads', async () => {
    const windowBytes = 256 * KiB;
    const { pair, stream, far } = await openStream({ windowBytes });
    const chunk = Buffer.alloc(64 * KiB);
    let written = 0;
    const writer = async () => {
      for (let i = 0; i < 64; i++) {
        if (!far.write(chunk)) await new Promise((resolve) => far.once('drain', resolve));
        written += chunk.length;
      }
      far.end();
    };
    const writing = writer();
    await pair.settle();
    // A stream that was never read from has a quarter of its window in memory, and the rest of the way is buffers of the sender's own.
    expect(pair.client.bytesIn).toBeLessThan(windowBytes / 4 + 16 * KiB);
    expect(written).toBeLessThan(2048 * KiB);
    const all = collect(stream);
    await pair.settle();
    await writing;
    expect((await all).length).toBe(64 * 64 * KiB);
  });

  it('never has more on its way than the window', async () => {
    const windowBytes = 128 * KiB;
    const { pair, stream, far } = await openStream({ windowBytes, maxFrameBytes: 16 * KiB });
    pair.serverLink.highWaterMark = Infinity;
    const done = collect(stream);
    far.end(Buffer.alloc(4096 * KiB));
    let most = 0;
    for (let i = 0; i < 2000; i++) {
      await setImmediate();
      most = Math.max(most, pair.serverLink.bytesOnWire);
      pair.serverLink.deliver(1);
      pair.clientLink.deliver();
    }
    await pair.settle();
    expect((await done).length).toBe(4096 * KiB);
    expect(most).toBeLessThanOrEqual(windowBytes + 1024);
    expect(most).toBeGreaterThan(windowBytes / 2);
  });

  it('gives credit in batches', async () => {
    const { pair, stream, far } = await openStream({ windowBytes: 256 * KiB });
    const frames: (number | undefined)[] = [];
    const { handler } = pair.serverLink;
    pair.serverLink.handler = {
      onFrame: (frame) => (frames.push(frame[0]), handler?.onFrame(frame)),
      onDrain: () => handler?.onDrain(),
      onClose: (reason) => handler?.onClose(reason),
    };
    const done = collect(stream);
    for (let i = 0; i < 1000; i++) {
      far.write(Buffer.alloc(1024));
      await pair.settle();
      if (i % 100 === 0) await setImmediate();
    }
    far.end();
    await pair.settled(done);
    expect(frames.filter((type) => type === FrameType.credit).length).toBeLessThan(16);
  });

  it('lets small frames overtake bulk, and bulk streams take turns', async () => {
    const opened: Duplex[] = [];
    const pair = await MuxPair.ready({
      onStream: async () => {
        const [near, far] = duplexPair();
        opened.push(far);
        return near;
      },
    });
    const streams = await pair.settled(Promise.all(['bulk 1', 'bulk 2', 'small'].map((name) => pair.client.open(name))));
    for (const stream of streams) stream.resume();
    const order: number[] = [];
    const { handler } = pair.clientLink;
    pair.clientLink.handler = {
      onFrame: (frame) => {
        if (frame[0] === FrameType.data) order.push(frame.readUInt32BE(1));
        handler?.onFrame(frame);
      },
      onDrain: () => handler?.onDrain(),
      onClose: (reason) => handler?.onClose(reason),
    };
    opened[0]?.write(Buffer.alloc(1024 * KiB));
    opened[1]?.write(Buffer.alloc(1024 * KiB));
    await setImmediate();
    const before = pair.serverLink.wire.length;
    opened[2]?.write('urgent');
    await setImmediate();
    await pair.settle();
    const [first, second, small] = [1, 3, 5];
    // Only what was on the wire already comes before it.
    expect(order.indexOf(small)).toBeLessThanOrEqual(before);
    const bulk = order.filter((id) => id !== small).slice(2, 8);
    expect(bulk.filter((id) => id === first).length).toBe(3);
    expect(bulk.filter((id) => id === second).length).toBe(3);
  });

  it('keeps little memory for many tiny pieces that nobody reads', async () => {
    const { pair, far } = await openStream({ windowBytes: 256 * KiB });
    for (let i = 0; i < 20_000; i++) far.write('x');
    await pair.settle();
    expect(pair.client.bytesIn).toBeGreaterThan(0);
    expect(pair.client.bytesIn).toBeLessThan(20_000 * 6 + 1024);
  });
});

describe('the end of the tunnel', () => {
  it('ends its streams, opens and dials, and says why', async () => {
    const signals: AbortSignal[] = [];
    const pair = await MuxPair.ready({
      onStream: (target, { signal }) => {
        signals.push(signal);
        return target === 'open' ? Promise.resolve(new PassThrough()) : new Promise(() => {});
      },
    });
    const stream = await pair.settled(pair.client.open('open'));
    const opening = pair.client.open('opening');
    opening.catch(nothing);
    await pair.settle();
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    await pair.server.close('maintenance');
    await expect(pair.client.closed).resolves.toEqual({ reason: 'the other end closed it: maintenance' });
    await expect(pair.server.closed).resolves.toEqual({ reason: 'maintenance' });
    expect(await failed).toMatchObject({ name: 'TunnelClosedError', code: 'ETUNNELCLOSED' });
    await expect(opening).rejects.toThrow('maintenance');
    await expect(pair.client.open('later')).rejects.toMatchObject({ name: 'TunnelClosedError' });
    expect(signals.at(-1)?.aborted).toBe(true);
    await setImmediate();
    expect([pair.client.streams, pair.clock.timers]).toEqual([0, 0]);
  });

  it('tells clients to drain', async () => {
    const drains: number[] = [];
    const pair = await MuxPair.ready({ onDrain: (spreadMs) => drains.push(spreadMs) });
    pair.server.drain(5000);
    await pair.settle();
    expect(drains).toEqual([5000]);
  });
});

describe('keep-alive', () => {
  it('leaves a peer alone that answers', async () => {
    const pair = await MuxPair.ready();
    for (let i = 0; i < 60; i++) {
      pair.clock.advance(1000);
      await pair.settle();
    }
    expect(pair.client.version).toBe(1);
    expect(pair.client.bytesIn).toBeLessThan(1000);
    await expect(Promise.race([pair.client.closed, Promise.resolve('open')])).resolves.toBe('open');
  });

  it('finds a peer dead that is silent, within 15 s', async () => {
    const { pair, stream } = await openStream();
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    pair.clock.advance(15_000);
    await expect(pair.client.closed).resolves.toEqual({ reason: 'the other end is silent' });
    expect(await failed).toMatchObject({ code: 'ETUNNELCLOSED' });
    expect(pair.clock.timers).toBe(0);
  });

  it('does not blame others for its own sleep', async () => {
    const pair = await MuxPair.ready();
    pair.clock.stall(60_000);
    await pair.settle();
    pair.clock.advance(1000);
    await expect(Promise.race([pair.client.closed, Promise.resolve('open')])).resolves.toBe('open');
  });

  it('gives up on a peer that says no hello', async () => {
    const pair = new MuxPair();
    pair.keepAlive.delete(pair.client);
    pair.clock.advance(15_000);
    await expect(pair.server.closed).resolves.toEqual({ reason: 'the other end said no hello' });
  });
});

describe('thousands of streams', () => {
  it('come and go and leave nothing behind', async () => {
    const pair = await MuxPair.ready({ onStream: async () => new PassThrough() });
    for (let round = 0; round < 50; round++) {
      const streams = await pair.settled(Promise.all(Array.from({ length: 100 }, () => pair.client.open('echo'))));
      const answers = streams.map((stream, i) => {
        if (i % 3 === 0) stream.destroy();
        else stream.end(`hello ${i}`);
        return i % 3 === 0 ? Promise.resolve(undefined) : collect(stream);
      });
      await pair.settled(Promise.all(answers));
    }
    await pair.settle();
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
    expect(pair.clock.timers).toBe(1);
  });
});
