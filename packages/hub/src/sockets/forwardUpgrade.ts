// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, request as httpRequest, STATUS_CODES } from 'node:http';
import { type Duplex } from 'node:stream';
import { splice } from '@clusternet/tunnel';
import { answerHeaders, type HeaderList } from './headers.ts';

/** An upgrade as it goes on. */
export interface UpgradeOptions {
  /** A connection to the target, which is this upgrade's own from here on. */
  connection: Duplex;
  path: string;
  headers: HeaderList;
  signal: AbortSignal;
}

/**
 * Passes an upgrade request on. When the target agrees, both connections are joined byte by byte until one side ends; what it answers
 * otherwise is passed back and the connection ends.
 *
 * @throws what went wrong before the target answered
 */
export async function forwardUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, o: UpgradeOptions): Promise<void> {
  const { connection, path, signal } = o;
  const onAbort = (): void => void connection.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  connection.once('close', () => signal.removeEventListener('abort', onAbort));
  if (signal.aborted) onAbort();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onward = httpRequest({
    createConnection: () => connection,
    method: request.method,
    path,
    headers: [...o.headers, 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''],
    setHost: false,
  });
  onward.on('error', (error) => {
    connection.destroy();
    reject(error);
  });
  onward.on('upgrade', (answer, child, childHead) => {
    write(socket, answer, ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? '']);
    if (childHead.length > 0) socket.write(childHead);
    if (head.length > 0) child.write(head);
    splice(socket, child);
    resolve();
  });
  onward.on('response', (answer) => {
    // Without a length of its own, the end of the connection ends the body.
    write(socket, answer, ['Connection', 'close']);
    answer.pipe(socket);
    answer.on('error', () => socket.destroy());
    socket.on('close', () => connection.destroy());
    resolve();
  });
  onward.end();
  return promise;
}

function write(socket: Duplex, answer: IncomingMessage, further: HeaderList): void {
  const { statusCode = 502, statusMessage } = answer;
  const headers = [...answerHeaders(answer.rawHeaders), ...further];
  let text = `HTTP/1.1 ${statusCode} ${statusMessage || (STATUS_CODES[statusCode] ?? '')}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  socket.write(`${text}\r\n`, 'latin1');
}
