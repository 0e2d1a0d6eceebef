// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isIP } from 'node:net';
import { type Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type buildConnector } from 'undici';

/** Opens the byte stream that a connection runs on, in place of TCP. `signal` is aborted when it is not wanted any more. */
export type Dial = (signal: AbortSignal) => Promise<Duplex>;

/** Options of {@link secureStream}. */
export interface SecureStreamOptions {
  /** Host of the server, whose certificate has to be for it. */
  host: string;
  /** Name to verify the certificate against, where it differs from the host. */
  serverName?: string;
  /** CA bundle, client certificate and the like. */
  tls?: Omit<ConnectionOptions, 'host' | 'servername' | 'socket' | 'path' | 'port'>;
  signal: AbortSignal;
}

/**
 * Speaks TLS over a byte stream, and waits until both sides have agreed. The stream ends with the connection, and the other way round.
 *
 * @throws the error of the handshake, or of the stream; the signal's reason when it is aborted
 */
export function secureStream(stream: Duplex, o: SecureStreamOptions): Promise<TLSSocket> {
  const { host, serverName, tls, signal } = o;
  return new Promise((resolve, reject) => {
    // An address cannot be asked for by name; it is still verified, as the host.
    const name = serverName ?? host;
    // Told below and to their users; without listeners of their own, late ones would end the process.
    stream.on('error', () => undefined);
    const socket = connect({ ...tls, socket: stream, host: name, ...(isIP(name) === 0 && { servername: name }) });
    // Taken over from the stream below, which Node wraps into a socket that does not have it.
    socket.allowHalfOpen = true;
    socket.on('error', () => undefined);
    const onAbort = (): void => void socket.destroy(reasonOf(signal));
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const onError = (error: Error): void => {
      settle();
      stream.destroy();
      reject(error);
    };
    socket.once('error', onError);
    socket.once('close', () => {
      stream.destroy();
      onError(new Error('the connection was closed before TLS was agreed on'));
    });
    stream.once('close', () => {
      // After an orderly end there may still be something to read.
      if (stream.errored || !stream.readableEnded) socket.destroy(stream.errored ?? undefined);
    });
    socket.once('secureConnect', () => {
      settle();
      socket.off('error', onError);
      resolve(socket);
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** A connector for undici: each connection is dialled anew and has `secure` applied, if given. */
export function connectorOver(o: {
  dial: Dial;
  secure?: (stream: Duplex, signal: AbortSignal) => Promise<Duplex>;
  timeoutMs: number;
}): buildConnector.connector {
  return (_options, callback) => {
    const signal = AbortSignal.timeout(o.timeoutMs);
    const open = async (): Promise<Duplex> => {
      const stream = await o.dial(signal);
      // Dialling may have ended just now with the time for it.
      if (signal.aborted) stream.destroy();
      signal.throwIfAborted();
      return o.secure ? o.secure(stream, signal) : stream;
    };
    open().then(
      // undici uses what every Duplex has; methods of sockets only where they are there.
      (stream) => callback(null, stream as TLSSocket),
      (error: Error) => callback(error, null),
    );
  };
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('not wanted any more', { cause: signal.reason });
}
