// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { memo } from '../util/memo.ts';
import { StatusError } from './statusError.ts';

const once = ['host', 'content-length', 'transfer-encoding', 'content-type', 'authorization', 'upgrade', 'expect'];
/** Place of a header among them; -1 for all others. */
const placeOf = memo((name) => once.indexOf(name.toLowerCase()));
const hostBit = 1 << once.indexOf('host');

/**
 * Refuses what two HTTP programs in a row could understand in two ways. Node's parser has refused most of it before; this is what it lets
 * pass.
 *
 * @throws StatusError 400
 */
export function checkFraming(request: IncomingMessage, upgrade: boolean): void {
  const { rawHeaders } = request;
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const place = placeOf(rawHeaders[at] ?? '');
    if (place < 0) continue;
    if (seen & (1 << place)) throw new StatusError(400, `the request has more than one ${once[place]} header`);
    seen |= 1 << place;
  }
  if (!(seen & hostBit)) throw new StatusError(400, 'the request has no Host header');
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
  if (encoding !== undefined && (encoding.toLowerCase() !== 'chunked' || length !== undefined)) {
    throw new StatusError(400, 'the request is framed in two ways, or in one that is not supported');
  }
  if (upgrade && (encoding !== undefined || (length !== undefined && length !== '0'))) {
    throw new StatusError(400, 'a request that upgrades its connection must not have a body');
  }
  if (request.httpVersion !== '1.1') throw new StatusError(400, 'only HTTP/1.1 is spoken here');
}
