// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { byPlace, type Room } from './room.ts';

/**
 * The clusters that may get replicas when at most `max` are to be used: those in use first, the fullest of them first, then by tier,
 * room, score and name. When these cannot take all and the roomiest ones could take more, those are used instead, which moves replicas.
 */
export function chooseClusters(rooms: readonly Room[], { max, desired }: { max: number; desired: number }): Set<string> {
  if (rooms.length <= max) return new Set(rooms.map(({ key }) => key));
  const total = (room: Room) => room.current + room.free;
  const kept = rooms.toSorted((a, b) => b.current - a.current || b.tier - a.tier || total(b) - total(a) || byPlace(a, b));
  const roomiest = rooms.toSorted((a, b) => total(b) - total(a) || b.current - a.current || byPlace(a, b));
  const sum = (some: readonly Room[]) => some.slice(0, max).reduce((all, room) => all + total(room), 0);
  const better = sum(kept) < desired && sum(roomiest) > sum(kept);
  return new Set((better ? roomiest : kept).slice(0, max).map(({ key }) => key));
}
