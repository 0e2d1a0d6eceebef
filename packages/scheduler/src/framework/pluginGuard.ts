// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { formatDuration, toError } from '@clusternet/runtime';
import { type ExtensionPoint, type MaybePromise } from './plugin.ts';

/** A plugin threw, did not answer, or said `Error`. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly plugin: string;
  readonly point: ExtensionPoint;

  constructor(plugin: string, point: ExtensionPoint, { message, cause }: { message: string; cause?: unknown }) {
    super(`plugin ${plugin} failed at ${point}: ${message}`, { cause });
    this.plugin = plugin;
    this.point = point;
  }
}

/** Options of {@link PluginGuard}. */
export interface PluginGuardOptions {
  /** Longest wait for one answer. */
  timeoutMs: number;
  /** For how long a plugin that did not answer is not asked again. */
  pauseMs?: number;
  /** Milliseconds of a steady clock. */
  now?: () => number;
}

/** Points that run beside the decisions, and may wait for an API server under load. */
const BESIDE: ReadonlySet<ExtensionPoint> = new Set(['preBind', 'bind', 'postBind']);
/** How many times longer one answer there may take. */
const BESIDE_FACTOR = 12;

/**
 * Calls plugins such that a bad one fails alone: what it throws becomes a {@link PluginError} with its name, and one that hangs is
 * given up and not asked again for a while, so that it holds up one decision and not every one.
 *
 * @remarks A plugin that never gives the processor back cannot be stopped from inside its own process.
 */
export class PluginGuard {
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  readonly #now: () => number;
  readonly #pausedUntil = new Map<string, number>();

  constructor({ timeoutMs, pauseMs = 30_000, now = () => performance.now() }: PluginGuardOptions) {
    this.#timeoutMs = timeoutMs;
    this.#pauseMs = pauseMs;
    this.#now = now;
  }

  /** The answer of a plugin; at once if it answers at once. */
  call<T>({ plugin, point }: { plugin: string; point: ExtensionPoint }, run: () => MaybePromise<T>): MaybePromise<T> {
    const pausedUntil = this.#pausedUntil.get(plugin);
    if (pausedUntil !== undefined) {
      if (this.#now() < pausedUntil) {
        // In the words of the first time: a condition that says now this, now that, is written again and again.
        throw new PluginError(plugin, point, { message: late(this.#timeoutMs) });
      }
      this.#pausedUntil.delete(plugin);
    }
    try {
      const answer = run();
      return isPromise(answer) ? this.#wait({ plugin, point }, answer) : answer;
    } catch (error) {
      throw failure(plugin, point, error);
    }
  }

  async #wait<T>({ plugin, point }: { plugin: string; point: ExtensionPoint }, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const beside = BESIDE.has(point);
    const timeoutMs = this.#timeoutMs * (beside ? BESIDE_FACTOR : 1);
    const gaveUp = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (!beside) this.#pausedUntil.set(plugin, this.#now() + this.#pauseMs);
        reject(new PluginError(plugin, point, { message: late(timeoutMs) }));
      }, timeoutMs);
    });
    try {
      return await Promise.race([answer, gaveUp]);
    } catch (error) {
      throw failure(plugin, point, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether a plugin answers later. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function late(timeoutMs: number): string {
  return `no answer within ${formatDuration(timeoutMs)}`;
}

function failure(plugin: string, point: ExtensionPoint, error: unknown): PluginError {
  if (error instanceof PluginError) return error;
  const cause = toError(error);
  return new PluginError(plugin, point, { message: cause.message, cause });
}
