// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { headerPairs } from '../authn/remoteUser.ts';
import { StatusError } from './statusError.ts';

const once = new Set(['host', 'content-length', 'transfer-encoding', 'content-type', 'authorization', 'upgrade', 'expect']);

/**
 * Refuses what two HTTP programs in a row could understand in two ways. Node's parser has refused most of it before; this is what it lets
 * pass.
 *
 * @throws StatusError 400
 */
export function checkFraming(request: IncomingMessage, upgrade: boolean): void {
  const seen = new Set<string>();
  for (const [name] of headerPairs(request.rawHeaders)) {
    if (once.has(name) && seen.has(name)) throw new StatusError(400, `the request has more than one ${name} header`);
    seen.add(name);
  }
  if (!seen.has('host')) throw new StatusError(400, 'the request has no Host header');
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
  if (encoding !== undefined && (encoding.toLowerCase() !== 'chunked' || length !== undefined)) {
    throw new StatusError(400, 'the request is framed in two ways, or in one that is not supported');
  }
  if (upgrade && (encoding !== undefined || (length !== undefined && length !== '0'))) {
    throw new StatusError(400, 'a request that upgrades its connection must not have a body');
  }
  if (request.httpVersion !== '1.1') throw new StatusError(400, 'only HTTP/1.1 is spoken here');
}
