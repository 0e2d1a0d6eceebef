// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { type KubeObject } from '@clusternet/api-types';
import { type Representation } from '../resources/representation.ts';
import { type TablePrinter, toPartialMetadata, toTable } from '../resources/table.ts';
import { StatusError } from '../request/statusError.ts';
import { type EventLog, type LogEntry, type LogPosition } from './eventLog.ts';

/** Options of {@link serveWatch}. */
export interface WatchServing<T extends KubeObject> {
  response: ServerResponse;
  /** Ends the watch in good order. */
  signal: AbortSignal;
  log: EventLog<T>;
  collection: string;
  apiVersion: string;
  kind: string;
  /** Where to go on; undefined when that is too old, which the client is told. */
  from: LogPosition | undefined;
  /** Sent first, as if they had just been made. */
  initial: readonly T[];
  /** The version that `initial` is of; given when their end is to be marked. */
  initialVersion?: number;
  matches: (object: T) => boolean;
  bookmarks: boolean;
  timeoutMs: number;
  form: Representation;
  printer: TablePrinter;
  /** How often an idle watch tells how far it is. */
  bookmarkMs?: number;
  now?: () => Date;
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

const initialEventsEnd = 'k8s.io/initial-events-end';
const defaultBookmarkMs = 60_000;

/**
 * Answers a watch until its time is over, the client is gone, or what it has not read yet is no longer known.
 *
 * @remarks Nothing is queued for a client: what it does not read stays in the log, and a client that falls out of it lists again.
 */
export async function serveWatch<T extends KubeObject>(o: WatchServing<T>): Promise<void> {
  const { response, signal, log, collection } = o;
  const writer = new EventWriter(o);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
  const end = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(o.timeoutMs))]);
  const stop = (): boolean => end.aborted || response.destroyed;
  let position = o.from;
  for (const object of o.initial) {
    if (stop()) break;
    await writer.event('ADDED', object, object.metadata.resourceVersion);
  }
  if (o.initialVersion !== undefined && !stop()) await writer.bookmark(o.initialVersion, { [initialEventsEnd]: 'true' });
  let told = performance.now();
  while (!stop()) {
    const change = log.changed(collection);
    const version = log.version;
    const read = position && log.read(collection, position);
    if (!read) {
      change.cancel();
      await writer.error(expired());
      break;
    }
    position = read.next;
    for (const entry of read.entries) {
      if (stop()) break;
      await writer.change(entry);
    }
    if (read.entries.length > 0) {
      change.cancel();
      continue;
    }
    const due = told + (o.bookmarkMs ?? defaultBookmarkMs) - performance.now();
    if (o.bookmarks && due <= 0) {
      await writer.bookmark(version);
      told = performance.now();
    }
    await idle(change, end, o.bookmarks ? Math.max(due, 0) || (o.bookmarkMs ?? defaultBookmarkMs) : undefined);
  }
  if (!response.destroyed) response.end();
}

/** What a client is told whose version lies too far back. */
export function expired(): StatusError {
  return new StatusError(410, 'too old resource version', { reason: 'Expired' });
}

/** Waits for a change, the end, or the time. Nothing of a wait outlives it: a race against the end would be remembered until then. */
async function idle(
  change: { promise: Promise<void>; cancel: () => void },
  end: AbortSignal,
  ms: number | undefined,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  const timer = ms === undefined ? undefined : setTimeout(wake, ms);
  end.addEventListener('abort', wake, { once: true });
  if (end.aborted) wake();
  void change.promise.then(wake);
  await promise;
  end.removeEventListener('abort', wake);
  clearTimeout(timer);
  change.cancel();
}

// The same change goes to many clients; its text is made once and lives as long as the change is remembered.
const texts = new WeakMap<object, Map<string, string>>();

class EventWriter<T extends KubeObject> {
  readonly #o: WatchServing<T>;
  #columnsSent = false;

  constructor(o: WatchServing<T>) {
    this.#o = o;
  }

  async change(entry: LogEntry<T>): Promise<void> {
    const { matches } = this.#o;
    const { previous, object } = entry;
    const before = previous !== undefined && matches(previous);
    if (object !== undefined && matches(object)) {
      return this.event(before ? 'MODIFIED' : 'ADDED', object, object.metadata.resourceVersion, entry);
    }
    // What left the selection is gone for this client, as of the version at which it left.
    if (before) return this.event('DELETED', previous, String(entry.version), entry);
  }

  async event(type: EventType, object: T, version: string | undefined, cacheKey?: object): Promise<void> {
    const { form } = this.#o;
    const key = `${type}/${form.as}/${form.as === 'object' ? '' : form.version}`;
    const cached = cacheKey && form.as !== 'table' ? texts.get(cacheKey)?.get(key) : undefined;
    if (cached !== undefined) return this.#write(cached);
    const current =
      version === object.metadata.resourceVersion
        ? object
        : { ...object, metadata: { ...object.metadata, resourceVersion: version } };
    const text = `${JSON.stringify({ type, object: this.#shape(current) })}\n`;
    if (cacheKey && form.as !== 'table') {
      const forms = texts.get(cacheKey) ?? new Map<string, string>();
      texts.set(cacheKey, forms.set(key, text));
    }
    return this.#write(text);
  }

  async bookmark(version: number, annotations?: Record<string, string>): Promise<void> {
    const { apiVersion, kind } = this.#o;
    const metadata = { resourceVersion: String(version), creationTimestamp: null, ...(annotations && { annotations }) };
    const object = { kind, apiVersion, metadata } as unknown as T;
    return this.#write(`${JSON.stringify({ type: 'BOOKMARK', object: this.#shape(object) })}\n`);
  }

  async error(error: StatusError): Promise<void> {
    return this.#write(`${JSON.stringify({ type: 'ERROR', object: error.toBody() })}\n`);
  }

  #shape(object: T): object {
    const { form, printer, now = () => new Date() } = this.#o;
    if (form.as === 'object') return object;
    if (form.as === 'metadata') return toPartialMetadata(object, form.version);
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return toTable([object], { printer, ...form, now: now(), metadata, withColumns });
  }

  async #write(text: string): Promise<void> {
    const { response, signal } = this.#o;
    if (response.destroyed || response.write(text)) return;
    await once(response, 'drain', { signal }).catch(() => undefined);
  }
}
