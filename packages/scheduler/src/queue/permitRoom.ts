// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Subscription } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { formatDuration } from '@clusternet/runtime';
import { type WaitingSubscription } from '../framework/plugin.ts';

const stopping = { refused: 'the scheduler is stopping' };

/** What became of the wait for a binding: `undefined` allows it. */
export type Permission = undefined | { refused: string } | 'outdated';

/** Bindings that wait for Permit plugins. */
export class PermitRoom {
  readonly #waiting = new Map<string, WaitingSubscription>();
  readonly #outdate = new Map<string, () => void>();

  get(subscription: string): WaitingSubscription | undefined {
    return this.#waiting.get(subscription);
  }

  /** What the binding was decided on has changed: it waits no longer, and is not made. */
  outdate(subscription: string): void {
    this.#outdate.get(subscription)?.();
  }

  /** Waits until every plugin has allowed the binding, one rejects it, or one does not answer in its time. */
  async wait(
    subscription: Subscription,
    { waits, signal }: { waits: ReadonlyMap<string, number>; signal: AbortSignal },
  ): Promise<Permission> {
    if (waits.size === 0) return undefined;
    if (signal.aborted) return stopping;
    const key = objectKey(subscription);
    const pending = new Set(waits.keys());
    const timers: NodeJS.Timeout[] = [];
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<Permission>((resolve) => {
        const refuse = (refused: string) => resolve({ refused });
        const reject = (plugin: string, message: string) => refuse(`${plugin} rejected the binding: ${message}`);
        this.#outdate.set(key, () => resolve('outdated'));
        this.#waiting.set(key, {
          subscription,
          get pending() {
            return [...pending];
          },
          allow: (plugin) => {
            pending.delete(plugin);
            if (pending.size === 0) resolve(undefined);
          },
          reject,
        });
        for (const [plugin, ms] of waits) {
          timers.push(
            setTimeout(
              () => pending.has(plugin) && refuse(`${plugin} did not permit the binding within ${formatDuration(ms)}`),
              ms,
            ),
          );
        }
        onAbort = () => resolve(stopping);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      // The signal lives as long as the leadership: nothing of a wait may stay with it.
      if (onAbort) signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(key);
      this.#outdate.delete(key);
    }
  }
}
