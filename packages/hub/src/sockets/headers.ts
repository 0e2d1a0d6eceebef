// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { memo } from '@clusternet/apiserver';

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

/** What becomes of a header of a request; `named`: it names others that end here. */
type Fate = 'kept' | 'dropped' | 'named' | 'forwarded';

const requestFate = memo<Fate>((original) => {
  const name = plain(original);
  if (name === 'connection') return 'named';
  if (name === 'x-forwarded-for') return 'forwarded';
  return hopByHop.has(name) || ours.has(name) || identityPrefixes.some((prefix) => name.startsWith(prefix)) ? 'dropped' : 'kept';
});

const answerFate = memo<Fate>((original) => {
  const name = original.toLowerCase();
  if (name === 'connection') return 'named';
  // The id of the request here is the answer's already; of two, nobody knows which one counts.
  return hopByHop.has(name) || name === 'audit-id' ? 'dropped' : 'kept';
});

/**
 * The headers of a request for its target: nothing that says who the caller is, nothing about the connection it came on, nor what its
 * Connection header names.
 */
export function requestHeaders(request: IncomingMessage): HeaderList {
  const forwarded: string[] = [];
  const headers = passedOn(request.rawHeaders, requestFate, forwarded);
  const address = request.socket.remoteAddress;
  if (address !== undefined) forwarded.push(address);
  if (forwarded.length > 0) headers.push('X-Forwarded-For', forwarded.join(', '));
  return headers;
}

/** The headers of an answer for the caller. */
export function answerHeaders(raw: readonly string[]): HeaderList {
  return passedOn(raw, answerFate, []);
}

function passedOn(raw: readonly string[], fateOf: (name: string) => Fate, forwarded: string[]): HeaderList {
  const headers: HeaderList = [];
  const named = new Set<string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    const fate = fateOf(name);
    if (fate === 'kept') headers.push(name, value);
    else if (fate === 'named') for (const one of value.split(',')) named.add(plain(one.trim()));
    else if (fate === 'forwarded') forwarded.push(value);
  }
  return named.size === 0 ? headers : without(headers, named);
}

function without(headers: HeaderList, named: Set<string>): HeaderList {
  return headers.filter((_, at) => !named.has(plain(headers[at - (at % 2)] ?? '')));
}

/** Some programs take an underscore for a dash. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** Text as a header value: Node writes what it is given byte by byte, Kubernetes reads UTF-8. */
export function headerText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
