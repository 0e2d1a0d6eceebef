// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as EngineServer } from 'engine.io';
import { Server as SocketServer, type Socket } from 'socket.io';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { KeepAlive } from './keepAlive.ts';
import { parser } from './link/parser.ts';
import { closeTimeoutMs, WebSocketLink } from './link/webSocketLink.ts';
import { Mux } from './mux.ts';
import { settingsOf, type Settings, type TunnelOptions } from './options.ts';
import type { StreamHandler, Tunnel } from './tunnel.ts';

/** Settings of a {@link TunnelServer}. */
export interface TunnelServerOptions extends TunnelOptions {
  /** A tunnel is up. Told once per tunnel; `tunnel.closed` tells its end. */
  onTunnel: (tunnel: Tunnel, req: IncomingMessage) => void;
  /** Opens what clients ask for; without it nothing is served to them. */
  onStream?: StreamHandler;
  /** When it closes: clients come back to another server spread over this time. Default 5 s. */
  drainSpreadMs?: number;
}

/** Timers that socket.io insists on and that never fire: the tunnel has its own keep-alive, one timer for all. */
const neverMs = 2 ** 30 - 1;

/** The server's end of tunnels. Who may connect, and what a path means, is decided before {@link TunnelServer.handleUpgrade}. */
export class TunnelServer {
  readonly #options: TunnelServerOptions;
  readonly #settings: Settings;
  readonly #keepAlive: KeepAlive;
  readonly #engine: EngineServer;
  readonly #io: SocketServer;
  readonly #tunnels = new Set<Mux>();
  readonly #upgrades: Upgrades = new WeakMap();
  #closing: Promise<void> | undefined;
  #onTunnelGone: (() => void) | undefined;

  constructor(options: TunnelServerOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#keepAlive = new KeepAlive(this.#settings);
    this.#engine = new EngineServer({
      transports: ['websocket'],
      allowUpgrades: false,
      perMessageDeflate: false,
      httpCompression: false,
      pingInterval: neverMs,
      pingTimeout: neverMs,
      maxHttpBufferSize: this.#settings.maxFrameBytes,
      wsEngine: webSocketServerFor(this.#upgrades),
    });
    this.#io = new SocketServer({ serveClient: false, parser, connectTimeout: this.#settings.deadAfterMs });
    this.#io.bind(this.#engine);
    this.#io.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Tunnels that are up or coming up. */
  get size(): number {
    return this.#tunnels.size;
  }

  /** Takes an upgrade request of any path. Only socket.io's websocket transport is spoken. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const query = new URL(req.url ?? '/', 'http://localhost').searchParams;
    socket.on('error', ignore);
    if (this.#closing) return refuse(socket, '503 Service Unavailable', 'this server is going away; come back to another');
    // A session id would let a connection take the place of another's.
    if (query.has('sid') || query.get('transport') !== 'websocket' || query.get('EIO') !== '4') {
      return refuse(socket, '400 Bad Request', 'only socket.io 4 over its websocket transport is spoken here');
    }
    const standIn = standInFor(req, socket);
    this.#upgrades.set(standIn, { req, socket });
    this.#engine.handleUpgrade(standIn, socket, head);
  }

  /**
   * Refuses new tunnels, asks clients to move to another server, each at a moment of its own within `drainSpreadMs`, and
   * closes what is left after that. Streams go on until then.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#drain());
  }

  async #drain(): Promise<void> {
    const { clock } = this.#settings;
    const spreadMs = this.#options.drainSpreadMs ?? 5000;
    if (this.#tunnels.size > 0 && spreadMs > 0) {
      for (const tunnel of this.#tunnels) tunnel.drain(spreadMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = clock.setTimer(resolve, spreadMs);
      this.#onTunnelGone = () => this.#tunnels.size === 0 && resolve();
      await promise;
      stop();
    }
    await Promise.all([...this.#tunnels].map((tunnel) => tunnel.close('the server is going away')));
    await this.#io.close();
  }

  #onConnection(socket: Socket): void {
    const { conn } = socket;
    const upgrade = this.#upgrades.get(conn.request);
    this.#upgrades.delete(conn.request);
    if (!upgrade?.webSocket || this.#closing) {
      conn.close(true);
      return;
    }
    const link = new WebSocketLink((conn as unknown as { id: string }).id, upgrade.webSocket, upgrade.socket);
    conn.on('data', (message: unknown) => {
      if (Buffer.isBuffer(message)) link.receive(message);
    });
    conn.on('close', (reason: string) => link.ended(reason));
    forgetRequest(socket);
    let request: IncomingMessage | undefined = upgrade.req;
    const tunnel = new Mux({
      link,
      role: 'server',
      settings: this.#settings,
      keepAlive: this.#keepAlive,
      onStream: this.#options.onStream,
      onReady: (ready) => {
        if (!request) return;
        this.#options.onTunnel(ready, request);
        request = undefined;
      },
    });
    this.#tunnels.add(tunnel);
    void tunnel.closed.then(() => {
      this.#tunnels.delete(tunnel);
      this.#onTunnelGone?.();
    });
  }
}

/** Requests on their way through engine.io, by what stands in for them. */
type Upgrades = WeakMap<IncomingMessage, { req: IncomingMessage; webSocket?: WebSocket; socket: Duplex }>;

/**
 * engine.io and socket.io hold on to the request for as long as the tunnel lives, in more places than can be cleared. The real
 * one, with its headers and their secrets, is worth more memory than the rest of an idle tunnel, so they get the little
 * they look at.
 */
function standInFor(req: IncomingMessage, socket: Duplex): IncomingMessage {
  const { upgrade, connection, 'sec-websocket-key': key, 'sec-websocket-version': version } = req.headers;
  return {
    method: req.method,
    url: '/?EIO=4&transport=websocket',
    headers: { upgrade, connection, 'sec-websocket-key': key, 'sec-websocket-version': version },
    socket,
    connection: socket,
  } as unknown as IncomingMessage;
}

function forgetRequest(socket: Socket): void {
  (socket.conn as { request?: unknown }).request = undefined;
  (socket as { handshake?: unknown }).handshake = undefined;
}

/** engine.io makes its WebSocket server itself and knows few of its options. */
function webSocketServerFor(
  upgrades: WeakMap<IncomingMessage, { webSocket?: WebSocket; socket: Duplex }>,
): typeof WebSocketServer {
  return class extends WebSocketServer {
    constructor(options: ServerOptions) {
      // Nobody needs pongs of WebSocket's own, and a peer that does not read them could pile them up.
      super({ ...options, autoPong: false, closeTimeout: closeTimeoutMs } as ServerOptions);
    }

    override handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (webSocket: WebSocket, request: IncomingMessage) => void,
    ): void {
      super.handleUpgrade(request, socket, head, (webSocket) => {
        const upgrade = upgrades.get(request);
        if (upgrade) upgrade.webSocket = webSocket;
        done(webSocket, request);
      });
    }
  } as typeof WebSocketServer;
}

function refuse(socket: Duplex, status: string, message: string): void {
  const retry = status.startsWith('503') ? 'Retry-After: 1\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\n${retry}Content-Type: text/plain\r\nContent-Length: ${message.length}\r\n\r\n${message}`,
    () => socket.destroy(),
  );
}

function ignore(): void {}
