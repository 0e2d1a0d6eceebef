// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Agent, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { NodeWebSocket } from 'socket.io-client';
import { WebSocket, type ClientOptions } from 'ws';
import { ConnectError } from '../errors.ts';
import { closeTimeoutMs } from '../link/webSocketLink.ts';

/** What the attempt learns about the connection below socket.io. */
export interface Connection {
  webSocket?: WebSocket;
  socket?: Duplex;
  /** The parent answered, but not with a connection. */
  onRefused: (error: ConnectError) => void;
}

/** How one attempt connects. */
export interface TransportOptions {
  agent: Agent | undefined;
  headers: Record<string, string>;
  maxFrameBytes: number;
  /** Inside TLS no proxy can take payload for something else, so masking, which costs a pass over every byte, has nothing to protect. */
  masked: boolean;
}

const maxBodyBytes = 4096;

/** socket.io's websocket transport, with the options of `ws` that socket.io does not pass on. */
export function transportFor(options: TransportOptions, connection: Connection): typeof NodeWebSocket {
  return class extends NodeWebSocket {
    override createSocket(uri: string): WebSocket {
      const webSocket = new WebSocket(uri, {
        agent: options.agent,
        headers: options.headers,
        maxPayload: options.maxFrameBytes,
        perMessageDeflate: false,
        followRedirects: false,
        autoPong: false,
        closeTimeout: closeTimeoutMs,
        ...(options.masked ? {} : { generateMask: () => {} }),
      } as ClientOptions);
      connection.webSocket = webSocket;
      webSocket.once('upgrade', (response) => (connection.socket = response.socket));
      webSocket.once('unexpected-response', (_request, response) => void refusal(response).then(connection.onRefused));
      return webSocket;
    }
  };
}

async function refusal(response: IncomingMessage): Promise<ConnectError> {
  const status = response.statusCode ?? 0;
  const seconds = Number(response.headers['retry-after']);
  return new ConnectError(
    `the parent answered ${status}: ${messageOf(await bodyOf(response)) || (response.statusMessage ?? '')}`,
    {
      status,
      retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
    },
  );
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      length += piece.length;
      if (length > maxBodyBytes) break;
    }
  } catch {
    // A body cut short says less, the status says enough.
  }
  return Buffer.concat(pieces).toString('utf8', 0, maxBodyBytes);
}

/** The message of a Kubernetes Status, or else the text itself. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : body;
  } catch {
    return body;
  }
}
