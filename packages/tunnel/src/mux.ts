// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Duplex } from 'node:stream';
import { codeOf, ProtocolError, refusals, StreamRefusedError, toError, TunnelClosedError } from './errors.ts';
import type { KeepAlive, KeepAliveMember } from './keepAlive.ts';
import type { Link, LinkHandler } from './link/link.ts';
import type { Settings } from './options.ts';
import {
  bareFrame,
  cut,
  errorFrame,
  FrameType,
  headerBytes,
  maxTargetBytes,
  numberFrame,
  openFrame,
  readCredit,
  readError,
  readNumber,
  readOpen,
  textFrame,
} from './protocol/frame.ts';
import { encodeHello, negotiate, parseHello, versions } from './protocol/hello.ts';
import { Outbox } from './stream/outbox.ts';
import { splice } from './stream/splice.ts';
import { TunnelStream, type StreamHost } from './stream/tunnelStream.ts';
import type { StreamHandler, Tunnel } from './tunnel.ts';

/** How a {@link Mux} is made. */
export interface MuxOptions {
  link: Link;
  /** Streams opened by clients have odd ids, those opened by servers even ones. */
  role: 'client' | 'server';
  settings: Settings;
  keepAlive: KeepAlive;
  onStream?: StreamHandler;
  /** Both have said hello: streams can be opened. */
  onReady: (tunnel: Mux) => void;
  /** The server asks to come back, to another one, within this time. */
  onDrain?: (spreadMs: number) => void;
}

interface Opening {
  resolve: (stream: TunnelStream) => void;
  reject: (error: Error) => void;
}

/** Frames of control that may wait for a peer to read them before it is taken for an attack. */
const maxWaitingControl = 16 * 1024;

/** The tunnel's protocol on top of a {@link Link}. */
export class Mux implements Tunnel, LinkHandler, StreamHost, KeepAliveMember {
  readonly id: string;
  readonly connectedAt: Date;
  readonly closed: Promise<{ reason: string }>;
  version = 0;
  bytesIn = 0;
  bytesOut = 0;

  readonly #options: MuxOptions;
  readonly #outbox: Outbox;
  readonly #streams = new Map<number, TunnelStream>();
  readonly #openings = new Map<number, Opening>();
  /** Dials that the other end asked for; they count until they settle, wanted or not. */
  readonly #dials = new Map<number, AbortController>();
  #dialling = 0;
  #accepted = 0;
  #nextId: number;
  #lastPeerId: number;
  #settle: (end: { reason: string }) => void = () => {};
  #reason: string | undefined;
  #heard = 0;
  #silentTicks = 0;
  #pongWaits = false;

  constructor(options: MuxOptions) {
    this.#options = options;
    this.id = options.link.id;
    this.connectedAt = options.settings.clock.now();
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    this.#nextId = options.role === 'client' ? 1 : 2;
    this.#lastPeerId = options.role === 'client' ? 0 : -1;
    this.#outbox = new Outbox(options.link, options.settings.maxFrameBytes, (frame) => this.#onSent(frame));
    options.keepAlive.add(this);
    this.#outbox.control(textFrame(FrameType.hello, encodeHello({ versions, maxFrame: options.settings.maxFrameBytes })));
    // Last, as what came already, be it the end, is told at once.
    options.link.handler = this;
  }

  get streams(): number {
    return this.#streams.size + this.#openings.size + this.#dialling;
  }

  async open(target: string, options: { signal?: AbortSignal } = {}): Promise<Duplex> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#reason !== undefined) throw new TunnelClosedError(this.#reason);
    const bytes = Buffer.byteLength(target);
    if (bytes === 0 || bytes > maxTargetBytes)
      throw new RangeError(`a target has 1 to ${maxTargetBytes} bytes, this one ${bytes}`);
    const id = this.#nextId;
    if (id > 0xffff_ffff) {
      this.#end('all stream ids are used up');
      throw new TunnelClosedError('all stream ids are used up');
    }
    this.#nextId += 2;
    const { clock, openTimeoutMs } = this.#options.settings;
    const { promise, resolve, reject } = Promise.withResolvers<TunnelStream>();
    const giveUp = (error: Error): void => {
      if (!this.#openings.delete(id)) return;
      this.control(errorFrame(FrameType.reset, id, { code: 'ECANCELED', message: 'no longer wanted' }));
      reject(error);
    };
    const onAbort = (): void => giveUp(toError(signal?.reason));
    const stopTimer = clock.setTimer(
      () => giveUp(new StreamRefusedError(refusals.timedOut, `the other end did not answer within ${openTimeoutMs} ms`)),
      openTimeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#openings.set(id, { resolve, reject });
    this.control(openFrame(id, this.#initialWindow, target));
    try {
      return await promise;
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async close(reason = 'closed'): Promise<void> {
    this.#end(reason);
    await this.closed;
  }

  /** Tells the client to come back to another server at a moment of its own choice within this time. */
  drain(spreadMs: number): void {
    if (this.#reason === undefined) this.control(numberFrame(FrameType.drain, 0, spreadMs));
  }

  control(frame: Buffer): void {
    if (this.#reason !== undefined) return;
    this.#outbox.control(frame);
    if (this.#outbox.waitingControl > maxWaitingControl) this.#end('the other end does not read', { now: true });
  }

  ready(stream: TunnelStream): void {
    this.#outbox.ready(stream);
  }

  release(stream: TunnelStream): void {
    this.#outbox.remove(stream);
    if (this.#streams.delete(stream.streamId) && this.#isPeers(stream.streamId)) this.#accepted--;
  }

  tick(): void {
    const { link, keepAlive } = this.#options;
    const heard = link.bytesRead;
    if (heard !== this.#heard && this.version !== 0) {
      this.#heard = heard;
      this.#silentTicks = 0;
      return;
    }
    this.#silentTicks++;
    if (this.#silentTicks >= keepAlive.deadTicks) {
      this.#end(this.version === 0 ? 'the other end said no hello' : 'the other end is silent', { now: true });
    } else if (this.#silentTicks >= keepAlive.pingTicks && this.version !== 0) {
      this.control(bareFrame(FrameType.ping));
    }
  }

  onFrame(frame: Buffer): void {
    if (this.#reason !== undefined) return;
    this.bytesIn += frame.length;
    try {
      this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(`protocol error: ${error.message}`);
    }
  }

  onDrain(): void {
    this.#outbox.pump();
  }

  onClose(reason: string): void {
    this.#end(reason, { now: true });
  }

  #dispatch(frame: Buffer): void {
    if (frame.length < headerBytes) throw new ProtocolError(`a frame of ${frame.length} bytes`);
    if (frame.length > this.#options.settings.maxFrameBytes) throw new ProtocolError('a frame that is too long');
    const type = frame[0];
    const id = frame.readUInt32BE(1);
    const payload = frame.subarray(headerBytes);
    if ((this.version === 0) !== (type === FrameType.hello) && type !== FrameType.close) {
      throw new ProtocolError('hello must be the first frame, once');
    }
    switch (type) {
      case FrameType.data:
        return this.#known(id)?.onData(payload);
      case FrameType.credit:
        return this.#known(id)?.onCredit(readCredit(payload));
      case FrameType.end:
        return this.#known(id)?.onEnd();
      case FrameType.reset:
        return this.#onReset(id, readError(payload));
      case FrameType.open:
        return this.#onOpen(id, readOpen(payload));
      case FrameType.accept:
        return this.#onAccept(id, readCredit(payload));
      case FrameType.refuse:
        return this.#onRefuse(id, readError(payload));
      case FrameType.ping:
        // One answer at a time, however many questions come.
        if (!this.#pongWaits) {
          this.#pongWaits = true;
          this.control(bareFrame(FrameType.pong));
        }
        return;
      case FrameType.pong:
        return;
      case FrameType.drain:
        if (this.#options.role !== 'client') throw new ProtocolError('only servers drain');
        return this.#options.onDrain?.(readNumber(payload));
      case FrameType.close:
        return this.#end(`the other end closed it: ${cut(payload).toString('utf8')}`, { now: true });
      case FrameType.hello: {
        const hello = parseHello(payload);
        this.version = negotiate(versions, hello.versions);
        this.#outbox.maxFrame = Math.min(hello.maxFrame, this.#options.settings.maxFrameBytes);
        return this.#options.onReady(this);
      }
      default:
        throw new ProtocolError(`a frame of the unknown type ${type}`);
    }
  }

  /** The stream with this id; undefined when it is over already, and the other end could not know yet. */
  #known(id: number): TunnelStream | undefined {
    const stream = this.#streams.get(id);
    if (stream) return stream;
    // Nothing but a reset may come before the stream is accepted.
    if (this.#openings.has(id) || this.#dials.has(id)) throw new ProtocolError(`stream ${id} is not open yet`);
    this.#mustHaveBeen(id);
    return undefined;
  }

  #mustHaveBeen(id: number): void {
    const last = this.#isPeers(id) ? this.#lastPeerId : this.#nextId - 2;
    if (id === 0 || id > last) throw new ProtocolError(`stream ${id} was never opened`);
  }

  #isPeers(id: number): boolean {
    return id % 2 === (this.#options.role === 'client' ? 0 : 1);
  }

  #onOpen(id: number, { credit, target }: { credit: number; target: string }): void {
    if (!this.#isPeers(id) || id <= this.#lastPeerId) throw new ProtocolError(`stream id ${id} is not the other end's to use`);
    this.#lastPeerId = id;
    const { onStream, settings } = this.#options;
    if (!onStream) return this.#refuse(id, refusals.notServed, 'no streams are served here');
    if (this.#accepted + this.#dialling >= settings.maxStreams) {
      return this.#refuse(id, refusals.tooManyStreams, `no more than ${settings.maxStreams} streams at once`);
    }
    void this.#dial(id, credit, (signal) => onStream(target, { signal, tunnel: this }));
  }

  async #dial(id: number, credit: number, dial: (signal: AbortSignal) => Promise<Duplex>): Promise<void> {
    const controller = new AbortController();
    this.#dials.set(id, controller);
    this.#dialling++;
    let target: Duplex;
    try {
      target = await dial(controller.signal);
    } catch (error) {
      if (this.#dials.delete(id)) this.#refuse(id, codeOf(error, refusals.failed), toError(error).message);
      return;
    } finally {
      this.#dialling--;
    }
    if (!this.#dials.delete(id)) {
      target.on('error', () => {}).destroy();
      return;
    }
    this.#accepted++;
    this.control(numberFrame(FrameType.accept, id, this.#initialWindow));
    splice(this.#addStream(id, credit), target);
    if (target.destroyed) this.#streams.get(id)?.destroy(target.errored ?? undefined);
  }

  #refuse(id: number, code: string, message: string): void {
    this.control(errorFrame(FrameType.refuse, id, { code, message }));
  }

  #onAccept(id: number, credit: number): void {
    const opening = this.#settleOpening(id);
    opening?.resolve(this.#addStream(id, credit));
  }

  #onRefuse(id: number, { code, message }: { code: string; message: string }): void {
    this.#settleOpening(id)?.reject(new StreamRefusedError(code, message));
  }

  #settleOpening(id: number): Opening | undefined {
    const opening = this.#openings.get(id);
    this.#openings.delete(id);
    if (opening) return opening;
    if (this.#isPeers(id) || this.#streams.has(id)) throw new ProtocolError(`stream ${id} was not waiting for an answer`);
    this.#mustHaveBeen(id);
    return undefined;
  }

  #onReset(id: number, error: { code: string; message: string }): void {
    const dial = this.#dials.get(id);
    if (dial) {
      this.#dials.delete(id);
      dial.abort(new StreamRefusedError(error.code, error.message));
      return;
    }
    this.#known(id)?.onReset(error);
  }

  get #initialWindow(): number {
    return Math.max(1, Math.floor(this.#options.settings.windowBytes / 4));
  }

  #addStream(id: number, credit: number): TunnelStream {
    const max = this.#options.settings.windowBytes;
    const stream = new TunnelStream(this, id, { credit, initial: this.#initialWindow, max });
    this.#streams.set(id, stream);
    return stream;
  }

  #onSent(frame: Buffer): void {
    this.bytesOut += frame.length;
    if (frame[0] === FrameType.pong) this.#pongWaits = false;
  }

  #end(reason: string, options: { now?: boolean } = {}): void {
    if (this.#reason !== undefined) return;
    if (!options.now) this.#options.link.send(textFrame(FrameType.close, cut(Buffer.from(reason)).toString('utf8')));
    this.#reason = reason;
    this.#options.keepAlive.delete(this);
    this.#options.link.close(options);
    const error = new TunnelClosedError(reason);
    for (const stream of [...this.#streams.values()]) stream.onTunnelEnd(error);
    for (const opening of this.#openings.values()) opening.reject(error);
    this.#openings.clear();
    for (const dial of this.#dials.values()) dial.abort(error);
    this.#dials.clear();
    this.#outbox.clear();
    this.#settle({ reason });
  }
}
