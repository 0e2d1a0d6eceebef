// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** At most `width` of the tasks at a time. */
export async function inParallel<T>(items: readonly T[], width: number, task: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await task(item);
    }),
  );
}
