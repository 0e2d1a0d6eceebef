// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { ApiError, isGone, type ResourceClient } from '@clusternet/client';
import { type Logger } from '../logging/logger.ts';
import { backoffDelay } from '../util/backoff.ts';
import { type Clock } from '../util/clock.ts';
import { sleep } from '../util/sleep.ts';
import { toError } from '../util/errors.ts';

/** What of the collection is followed. */
export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Who is told what the reflector sees. */
export interface Sink<T> {
  replaced(objects: T[]): void;
  set(object: T): void;
  deleted(object: T): void;
  /** Everything up to this version has been told; also called for bookmarks. `listed`: by a list, so that single changes may have gone unseen. */
  progressed(version: string, listed: boolean): void;
  /** A watch ended and another begins. */
  restarted(reason: WatchEnd): void;
}

/** Why a watch ended: the server closed it in order, it went silent, its version is too old, or it failed. */
export type WatchEnd = 'closed' | 'silent' | 'gone' | 'error';

export interface ReflectorOptions<T extends KubeObject> {
  resource: ResourceClient<T>;
  selection: Selection;
  sink: Sink<T>;
  logger: Logger;
  pageSize: number;
  clock: Clock;
  random: () => number;
}

const backoff = { initialMs: 250, maxMs: 15_000, jitter: 0.5 };
/** API servers send a bookmark about every minute; a watch that had some and gets none for this long is dead. */
const silenceMs = 150_000;
/** A watch that lasted this long, or told anything, was a good one: its end is no reason to wait. */
const goodWatchMs = 1_000;
/** Refusals of one and the same resourceVersion before the collection is listed anew. */
const maxRefusals = 3;
/** One warning per this time while an API server stays away. */
const warnEveryMs = 60_000;

/**
 * Follows one collection: lists it in pages, watches from there, and goes on from the last version seen whenever a watch ends.
 *
 * @remarks Lists again only when it must: the version is too old (410), the server keeps refusing it, or the server's state turns out to
 * be older than what was seen (restored from a backup), which no watch would ever tell.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  #version: string | undefined;
  #sendsBookmarks = false;
  #failures = 0;
  #refusals = 0;
  #lastWarning = -Infinity;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Runs until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let verify = false;
    while (!signal.aborted) {
      try {
        if (verify) await this.#dropVersionFromTheFuture(signal);
        verify = false;
        if (this.#version === undefined) await this.#list(signal);
        const end = await this.#watch(signal);
        if (!signal.aborted) this.#options.sink.restarted(end);
      } catch (error) {
        if (signal.aborted) return;
        verify = !(error instanceof ApiError);
        this.#onFailure(toError(error));
      }
      if (this.#failures > 0) await this.#pause(signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { resource, selection, pageSize, sink } = this.#options;
    const objects: T[] = [];
    let next: string | undefined;
    let version: string | undefined;
    do {
      const page = await resource.list({ ...selection, limit: pageSize, continue: next, signal });
      for (const item of page.items) objects.push(item);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
    signal.throwIfAborted();
    this.#version = version;
    this.#recovered();
    sink.replaced(objects);
    if (version !== undefined) sink.progressed(version, true);
  }

  async #watch(parent: AbortSignal): Promise<WatchEnd> {
    const { resource, selection, sink, clock, random } = this.#options;
    const silence = new AbortController();
    const signal = AbortSignal.any([parent, silence.signal]);
    const started = clock.monotonic();
    let cancelSilence: (() => void) | undefined;
    const heard = (): void => {
      cancelSilence?.();
      cancelSilence = this.#sendsBookmarks ? clock.setTimer(() => silence.abort(), silenceMs) : undefined;
    };
    let told = false;
    try {
      heard();
      const timeoutSeconds = Math.round(300 + 300 * random());
      for await (const event of resource.watch({ ...selection, resourceVersion: this.#version, timeoutSeconds, signal })) {
        if (parent.aborted) break;
        const { type, object } = event;
        if (type === 'BOOKMARK') this.#sendsBookmarks = true;
        else if (type === 'DELETED') sink.deleted(object);
        else sink.set(object);
        this.#version = object.metadata.resourceVersion ?? this.#version;
        if (this.#version !== undefined) sink.progressed(this.#version, false);
        if (!told) this.#recovered();
        told = true;
        heard();
      }
    } finally {
      cancelSilence?.();
    }
    if (silence.signal.aborted) return 'silent';
    if (told || clock.monotonic() - started >= goodWatchMs) this.#recovered();
    else this.#failures++;
    return 'closed';
  }

  #onFailure(error: Error): void {
    const { sink, logger, clock } = this.#options;
    const gone = isGone(error);
    if (this.#version !== undefined) sink.restarted(gone ? 'gone' : 'error');
    if (error instanceof ApiError && error.status !== 401 && error.status !== 429) this.#refusals++;
    if (gone || this.#refusals >= maxRefusals) {
      logger.info('listing again as the version to watch from is refused', { error });
      this.#version = undefined;
      this.#refusals = 0;
      // An expired version is cured by the list; only a second failure in a row is a reason to wait.
      if (!gone || this.#failures > 0) this.#failures++;
      return;
    }
    this.#failures++;
    const now = clock.monotonic();
    const level = now - this.#lastWarning < warnEveryMs ? 'debug' : 'warn';
    if (level === 'warn') this.#lastWarning = now;
    logger[level]('cannot follow the collection; trying again', { error });
  }

  #recovered(): void {
    if (this.#failures > 1) this.#options.logger.info('following the collection again', { failures: this.#failures });
    this.#failures = 0;
    this.#refusals = 0;
    this.#lastWarning = -Infinity;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const delayMs = backoffDelay(this.#failures - 1, backoff, this.#options.random);
    await sleep(delayMs, signal, this.#options.clock).catch(() => undefined);
  }

  /**
   * After a lost connection another state may answer: an API server restored from a backup counts versions from an older one, and a
   * watch from our later version would stay silent until it is reached again. Versions of one collection are comparable numbers.
   */
  async #dropVersionFromTheFuture(signal: AbortSignal): Promise<void> {
    if (this.#version === undefined) return;
    const page = await this.#options.resource.list({ ...this.#options.selection, limit: 1, signal });
    const current = page.metadata.resourceVersion;
    if (current === undefined || !isNumber(current) || !isNumber(this.#version)) return;
    if (BigInt(current) >= BigInt(this.#version)) return;
    this.#options.logger.warn('the API server went back to an older state; listing again', { known: this.#version, current });
    this.#version = undefined;
  }
}

function isNumber(version: string): boolean {
  return /^\d+$/.test(version);
}
