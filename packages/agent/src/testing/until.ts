// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout } from 'node:timers/promises';

/** Waits for something that happens by itself; the time limit is the test's own. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(5);
}
