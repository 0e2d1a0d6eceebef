// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Bytes up to which a Description is filled. etcd takes 1.5 MiB per request, and metadata, `removed`, `skipped` and the live
 * status of each object need room in it too.
 */
export const maxShardBytes = 1_000_000;

/**
 * Most bytes of base64 that one object may take. An object of more than {@link maxShardBytes} has a Description of its own, where
 * the rest of etcd's 1,572,864 bytes is for metadata and a status of one entry. A ConfigMap with the 1 MiB of plain text that
 * Kubernetes allows takes about 1,400,000.
 */
export const maxObjectBytes = 1_450_000;

/** Bytes kept free for what is said of an object outside of `raw`: its entry in the status or in `removed`. */
const bytesPerEntry = 400;

/** An object to be put into a Description. */
export interface Placeable {
  /** Feed key. */
  key: string;
  /** base64 JSON. */
  raw: string;
}

/** Bytes of a Description that an object takes up. */
export function sizeOf(raw: string): number {
  return raw.length + bytesPerEntry;
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

/** Name of the Base that a Description of this name is a part of; undefined when it is not named like one. */
export function baseOfShard(description: string): string | undefined {
  const base = /^(.+)-generic(-[1-9]\d*)?$/.exec(description)?.[1];
  return base !== undefined && shardNumber(base, description) !== undefined ? base : undefined;
}

/**
 * Spreads objects over the Descriptions of a Base. An object stays where it is as long as it fits, so that an edit rewrites one
 * Description; another one goes to the first with room. An object larger than `limit` is alone in its Description, which is
 * never the first, as that one also carries the list of skipped feeds.
 *
 * @returns the objects of each Description, by its number, in the order given
 */
export function placeInShards(
  objects: readonly Placeable[],
  { current, limit = maxShardBytes }: { current: (key: string) => number | undefined; limit?: number },
): Map<number, Placeable[]> {
  const used = new Map<number, number>();
  const numbers = new Map<Placeable, number>();
  const isLarge = ({ raw }: Placeable): boolean => sizeOf(raw) > limit;
  const put = (object: Placeable, number: number): void => {
    used.set(number, (used.get(number) ?? 0) + sizeOf(object.raw));
    numbers.set(object, number);
  };
  const fits = (object: Placeable, number: number): boolean =>
    isLarge(object) ? number > 1 && !used.has(number) : (used.get(number) ?? 0) + sizeOf(object.raw) <= limit;
  // One that has become large leaves the others where they are.
  for (const object of [...objects.filter((one) => !isLarge(one)), ...objects.filter(isLarge)]) {
    const number = current(object.key);
    if (number !== undefined && fits(object, number)) put(object, number);
  }
  for (const object of objects) {
    if (numbers.has(object)) continue;
    let number = 1;
    // An empty Description takes any object, so this ends.
    while (!fits(object, number)) number++;
    put(object, number);
  }
  const placed = new Map<number, Placeable[]>();
  for (const object of objects) {
    const number = numbers.get(object) ?? 1;
    const together = placed.get(number);
    if (together) together.push(object);
    else placed.set(number, [object]);
  }
  return placed;
}
