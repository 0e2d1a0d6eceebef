// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Manager } from 'socket.io-client';
import { ConnectError, toError } from '../errors.ts';
import type { KeepAlive } from '../keepAlive.ts';
import { parser } from '../link/parser.ts';
import { WebSocketLink } from '../link/webSocketLink.ts';
import { Mux } from '../mux.ts';
import type { Settings } from '../options.ts';
import type { StreamHandler } from '../tunnel.ts';
import { transportFor, type Connection } from './transport.ts';

/** What TLS to the parent needs; read anew for each attempt, so that rotated files count. */
export interface TlsMaterial {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
}

/** One attempt. */
export interface ConnectOptions {
  url: URL;
  headers: Record<string, string>;
  tls: TlsMaterial;
  settings: Settings;
  keepAlive: KeepAlive;
  onStream?: StreamHandler;
  onDrain: (tunnel: Mux, spreadMs: number) => void;
  signal: AbortSignal;
}

/**
 * Makes one tunnel.
 *
 * @throws ConnectError when the parent refuses or is not reached; the signal's reason when it is aborted
 */
export async function connect(options: ConnectOptions): Promise<Mux> {
  const { url, settings, signal } = options;
  signal.throwIfAborted();
  const secure = url.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ ...options.tls, keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const { promise, resolve, reject } = Promise.withResolvers<Mux>();
  const connection: Connection = { onRefused: reject };
  const transport = transportFor(
    { agent, headers: options.headers, maxFrameBytes: settings.maxFrameBytes, masked: !secure },
    connection,
  );
  const manager = new Manager(url.origin, {
    path: url.pathname,
    addTrailingSlash: false,
    query: Object.fromEntries(url.searchParams),
    transports: [transport],
    reconnection: false,
    autoConnect: false,
    parser,
    timeout: settings.deadAfterMs,
  });
  const fail = (cause: unknown): void => reject(connectError(cause));
  const onAbort = (): void => reject(toError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });

  const socket = manager.socket('/');
  let link: WebSocketLink | undefined;
  let mux: Mux | undefined;
  manager.on('open', () => {
    const { webSocket, socket: below } = connection;
    if (!webSocket || !below) return fail(new Error('there is no connection below socket.io'));
    const opened = new WebSocketLink(manager.engine.id ?? '', webSocket, below);
    link = opened;
    manager.engine.on('data', (message: unknown) => {
      if (Buffer.isBuffer(message)) opened.receive(message);
    });
  });
  manager.on('close', (reason: string) => {
    link?.ended(reason);
    fail(new Error(`the connection was closed: ${reason}`));
  });
  socket.on('connect_error', fail);
  socket.on('connect', () => {
    if (!link || mux) return;
    mux = new Mux({
      link,
      role: 'client',
      settings,
      keepAlive: options.keepAlive,
      onStream: options.onStream,
      onReady: resolve,
      onDrain: (spreadMs) => mux && options.onDrain(mux, spreadMs),
    });
    void mux.closed.then(({ reason }) => fail(new Error(reason)));
  });
  socket.connect();
  try {
    return await promise;
  } catch (error) {
    connection.socket?.destroy();
    connection.webSocket?.terminate();
    manager._close();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** engine.io wraps what went wrong in an event of `ws`. */
function connectError(cause: unknown): ConnectError {
  const error = toError(cause);
  const below = (error as { description?: { error?: unknown } }).description?.error;
  const reason = below === undefined ? error : toError(below);
  return new ConnectError(`the parent was not reached: ${reason.message || (reason as { code?: string }).code}`, {
    cause: reason,
  });
}
