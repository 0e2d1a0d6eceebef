// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';

/** Names and values in turn, as Node takes and gives them. */
export type HeaderList = string[];

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Of the way to us; the target gets its own, or none. */
const ours = new Set(['host', 'expect', 'authorization', 'x-forwarded-for', 'http2-settings']);
const identityPrefixes = ['impersonate-', 'x-remote-', 'clusternet-'];

/**
 * The headers of a request for its target: nothing that says who the caller is, nothing about the connection it came on, nor what its
 * Connection header names.
 */
export function requestHeaders(request: IncomingMessage): HeaderList {
  const named = namedByConnection(request.rawHeaders);
  const forwarded: string[] = [];
  const headers: HeaderList = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const [original = '', value = ''] = request.rawHeaders.slice(at, at + 2);
    // Some programs take an underscore for a dash.
    const name = original.toLowerCase().replaceAll('_', '-');
    if (name === 'x-forwarded-for') forwarded.push(value);
    const dropped = hopByHop.has(name) || ours.has(name) || named.has(name) || identityPrefixes.some((p) => name.startsWith(p));
    if (!dropped) headers.push(original, value);
  }
  const address = request.socket.remoteAddress;
  if (address !== undefined) forwarded.push(address);
  if (forwarded.length > 0) headers.push('X-Forwarded-For', forwarded.join(', '));
  return headers;
}

/** The headers of an answer for the caller. */
export function answerHeaders(raw: readonly string[]): HeaderList {
  const named = namedByConnection(raw);
  const headers: HeaderList = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    // The id of the request here is the answer's already; of two, nobody knows which one counts.
    if (hopByHop.has(name) || named.has(name) || name === 'audit-id') continue;
    headers.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  return headers;
}

/** Text as a header value: Node writes what it is given byte by byte, Kubernetes reads UTF-8. */
export function headerText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function namedByConnection(raw: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() !== 'connection') continue;
    for (const name of (raw[at + 1] ?? '').split(',')) names.add(name.trim().toLowerCase().replaceAll('_', '-'));
  }
  return names;
}
