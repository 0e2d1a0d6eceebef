// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { StatusError } from './statusError.ts';

/** Largest body that is read into memory, as of kube-apiserver. */
export const defaultBodyLimit = 3 * 1024 * 1024;

/** Options of {@link readBody}. */
export interface ReadBodyOptions {
  /** Bytes. */
  limit?: number;
  /** Media types that are taken, without parameters; any if not given. */
  types?: readonly string[];
}

/**
 * Reads a whole body.
 *
 * @throws StatusError 413 as soon as it is known to be too large, 415 for another type or a compressed body
 */
export async function readBody(request: IncomingMessage, o: ReadBodyOptions = {}): Promise<Buffer> {
  const limit = o.limit ?? defaultBodyLimit;
  checkType(request, o.types);
  checkLength(request, limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a body of JSON.
 *
 * @throws StatusError also 400 for what is not JSON
 */
export async function readJson(request: IncomingMessage, o: ReadBodyOptions = {}): Promise<unknown> {
  const body = await readBody(request, { types: ['application/json'], ...o });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (cause) {
    throw new StatusError(400, 'the body of the request is not JSON', { cause });
  }
}

/** @throws StatusError 413 when the declared length is above the limit */
export function checkLength(request: IncomingMessage, limit: number): void {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
}

function checkType(request: IncomingMessage, types: readonly string[] | undefined): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new StatusError(415, 'compressed bodies are not supported');
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (!types || type === undefined || types.includes(type)) return;
  throw new StatusError(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
  );
}

function tooLarge(limit: number): StatusError {
  return new StatusError(413, `Request entity too large: limit is ${limit}`, { reason: 'RequestEntityTooLarge' });
}
