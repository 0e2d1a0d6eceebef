// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { STATUS_CODES, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import { type StatusError } from './statusError.ts';

/** Header under which an answer names the request in the logs. */
export const auditIdHeader = 'Audit-ID';

/** Writes a document as JSON. */
export function writeJson(response: ServerResponse, body: unknown, o: { code?: number; type?: string } = {}): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(o.code ?? 200, {
    'Content-Type': o.type ?? 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-cache, private',
  });
  response.end(text);
}

/** Answers with an error; when the answer has begun already, the connection ends, so that nobody takes it for complete. */
export function writeStatus(response: ServerResponse, error: StatusError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) {
    if (name.startsWith('content-') || ['etag', 'last-modified', 'transfer-encoding'].includes(name)) response.removeHeader(name);
  }
  for (const [name, value] of Object.entries(headersOf(error))) response.setHeader(name, value);
  writeJson(response, error.toBody(), { code: error.code });
}

/** Answers on a bare connection, as when an upgrade is refused or what came is not HTTP, and ends it. */
export function writeRawStatus(socket: Duplex, error: StatusError, auditId?: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const text = `${JSON.stringify(error.toBody())}\n`;
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...(auditId !== undefined && { [auditIdHeader]: auditId }),
    ...headersOf(error),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? 'Error'}`, ...lines, '', ''].join('\r\n');
  socket.end(head + text, () => socket.destroy());
}

function headersOf(error: StatusError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.retryAfterSeconds !== undefined) headers['Retry-After'] = String(Math.ceil(error.retryAfterSeconds));
  // Somebody whose identity was not accepted may get another certificate; it counts on a new connection only.
  if (error.code === 401) headers['Connection'] = 'close';
  return headers;
}
