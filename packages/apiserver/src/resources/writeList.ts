// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createGzip } from 'node:zlib';

/** Above this an answer is worth compressing, as kube-apiserver has it. */
const gzipFromItems = 64;
const chunkLength = 128 * 1024;

/** Options of {@link writeList}. */
export interface ListWriting {
  request: IncomingMessage;
  response: ServerResponse;
  /** The list without its items. */
  head: Record<string, unknown>;
  /** Name of the property that holds the items. */
  key: string;
  items: Iterable<unknown>;
  /** How many there are, roughly. */
  size: number;
}

/**
 * Writes a list item by item: neither is the whole text in memory at once, nor does a long one keep the process from everything else.
 */
export async function writeList(o: ListWriting): Promise<void> {
  const { request, response, head, key, items, size } = o;
  const compressed = size >= gzipFromItems && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-cache, private',
    ...(compressed && { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }),
  });
  const gzip = compressed ? createGzip({ level: 1 }) : undefined;
  gzip?.pipe(response);
  const target = gzip ?? response;
  const gone = (): boolean => response.destroyed;
  let text = `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(key)}:[`;
  let first = true;
  for (const item of items) {
    text += first ? JSON.stringify(item) : `,${JSON.stringify(item)}`;
    first = false;
    if (text.length < chunkLength) continue;
    const flows = target.write(text);
    text = '';
    if (!flows && !gone()) await Promise.race([once(target, 'drain'), once(response, 'close')]);
    else await new Promise((resolve) => setImmediate(resolve));
    if (gone()) break;
  }
  target.end(gone() ? undefined : `${text}]}\n`);
}
