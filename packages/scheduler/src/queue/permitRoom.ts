// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Subscription } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { formatDuration } from '@clusternet/runtime';
import { type WaitingSubscription } from '../framework/plugin.ts';

/** Bindings that wait for Permit plugins. */
export class PermitRoom {
  readonly #waiting = new Map<string, WaitingSubscription>();

  get(subscription: string): WaitingSubscription | undefined {
    return this.#waiting.get(subscription);
  }

  /** Waits until every plugin has allowed the binding; the reason when one rejects it, or does not answer in its time. */
  async wait(
    subscription: Subscription,
    { waits, signal }: { waits: ReadonlyMap<string, number>; signal: AbortSignal },
  ): Promise<string | undefined> {
    if (waits.size === 0) return undefined;
    const key = objectKey(subscription);
    const pending = new Set(waits.keys());
    const timers: NodeJS.Timeout[] = [];
    try {
      return await new Promise<string | undefined>((resolve) => {
        const reject = (plugin: string, message: string) => resolve(`${plugin} rejected the binding: ${message}`);
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
              () => pending.has(plugin) && resolve(`${plugin} did not permit the binding within ${formatDuration(ms)}`),
              ms,
            ),
          );
        }
        signal.addEventListener('abort', () => resolve('the scheduler is stopping'), { once: true });
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }
}
