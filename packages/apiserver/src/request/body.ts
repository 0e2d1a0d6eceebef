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
  return collect(request, limit);
}

/** By events: an iterator over the stream costs more than all the rest of reading a small body. */
function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const ended = (): void => {
      if (!request.readableEnded) reject(new Error('the connection ended before the body of the request'));
    };
    if (request.destroyed) return ended();
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      request.off('data', take);
      reject(tooLarge(limit));
    };
    request.on('data', take);
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', ended);
  });
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
