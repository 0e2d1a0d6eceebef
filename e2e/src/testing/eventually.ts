// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs the assertions again until they hold. After `seconds` the last failure is thrown as it is, so that a test says what was
 * still wrong, not that time was up. There is much more time than it takes, for machines that are slow or busy.
 */
export async function eventually<T>(check: () => T | Promise<T>, seconds = 120): Promise<T> {
  const start = Date.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      const waited = Date.now() - start;
      if (waited > seconds * 1000) throw error;
      // What takes long is looked at less often: looking keeps the machine from what is waited for.
      await delay(Math.min(100 + waited / 20, 500));
    }
  }
}

/** Holds the assertions for the whole time: for what must not happen. */
export async function throughout(seconds: number, check: () => void | Promise<void>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    await check();
    await delay(250);
  }
}
