// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Most bytes of `raw` in one Description: etcd takes 1.5 MiB per request, and status and metadata need room too. */
export const maxShardBytes = 1_000_000;

/** An object to be put into a Description. */
export interface Placeable {
  /** Feed key. */
  key: string;
  /** base64 JSON. */
  raw: string;
}

/** Bytes that an entry of `raw` takes; base64 has one per character, and JSON adds quotes and a comma. */
export function sizeOf(raw: string): number {
  return raw.length + 3;
}

/** Name of the Description with this number, from 1, of a Base. */
export function shardName(base: string, number: number): string {
  return number === 1 ? `${base}-generic` : `${base}-generic-${number}`;
}

/** Number of a Description of this Base; undefined when it is not named like one. */
export function shardNumber(base: string, description: string): number | undefined {
  if (description === shardName(base, 1)) return 1;
  const number = Number(/-generic-([1-9]\d*)$/.exec(description)?.[1]);
  return number > 1 && description === shardName(base, number) ? number : undefined;
}

/**
 * Spreads objects over the Descriptions of a Base. An object stays where it is as long as it fits, so that an edit rewrites one
 * Description; another one goes to the first with room.
 *
 * @returns the objects of each Description, by its number, in the order given
 */
export function placeInShards(
  objects: readonly Placeable[],
  { current, limit = maxShardBytes }: { current: (key: string) => number | undefined; limit?: number },
): Map<number, Placeable[]> {
  const used = new Map<number, number>();
  const numbers = new Map<Placeable, number>();
  const put = (object: Placeable, number: number): void => {
    used.set(number, (used.get(number) ?? 0) + sizeOf(object.raw));
    numbers.set(object, number);
  };
  const fits = (object: Placeable, number: number): boolean => (used.get(number) ?? 0) + sizeOf(object.raw) <= limit;
  for (const object of objects) {
    const number = current(object.key);
    if (number !== undefined && fits(object, number)) put(object, number);
  }
  for (const object of objects) {
    if (numbers.has(object)) continue;
    let number = 1;
    // An empty Description takes any object, so this ends.
    while (used.has(number) && !fits(object, number)) number++;
    put(object, number);
  }
  const placed = new Map<number, Placeable[]>();
  for (const object of objects) {
    const number = numbers.get(object) ?? 1;
    placed.set(number, [...(placed.get(number) ?? []), object]);
  }
  return placed;
}
