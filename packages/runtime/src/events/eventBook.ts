// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** An event as it is to be written. */
export interface EventContent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  namespace: string;
  involvedObject: {
    apiVersion: string;
    kind: string;
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
  };
}

/** A write that is due: the event's first appearance (`count` 1) or its new count. */
export interface EventWrite {
  content: EventContent;
  name: string;
  count: number;
}

interface Entry {
  content: EventContent;
  name: string;
  count: number;
  written: number;
  writtenMs: number;
  seenMs: number;
}

interface Budget {
  tokens: number;
  atMs: number;
}

const quietMs = 10 * 60_000;
const maxEntries = 4096;
const maxBudgets = 4096;
const burst = 25;
const refillMs = 5 * 60_000;

/**
 * Decides which events are worth a write. Pure: the caller brings the time. Its memory is bounded in number and time: what has not been
 * seen for ten minutes is forgotten.
 */
export class EventBook {
  // In the order of the last sighting, the oldest first.
  readonly #entries = new Map<string, Entry>();
  readonly #budgets = new Map<string, Budget>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Events and budgets remembered. */
  get size(): number {
    return this.#entries.size + this.#budgets.size;
  }

  /** Takes an event in: a write, or `counted` for a repeat whose count is written later. */
  record(content: EventContent, nowMs: number): EventWrite | 'counted' | 'over budget' {
    const { involvedObject: object, type, reason, message, namespace } = content;
    const objectId = object.uid ?? `${object.kind}/${namespace}/${object.name ?? ''}`;
    const id = [objectId, type, reason, message].join('\n');
    const known = this.#entries.get(id);
    if (known) {
      this.#entries.delete(id);
      this.#entries.set(id, known);
      known.count++;
      known.seenMs = nowMs;
      return nowMs - known.writtenMs < quietMs ? 'counted' : this.#write(known, nowMs);
    }
    if (!this.#spend(objectId, nowMs)) return 'over budget';
    const entry: Entry = { content, name: this.#eventName(object.name), count: 1, written: 0, writtenMs: nowMs, seenMs: nowMs };
    this.#entries.set(id, entry);
    bound(this.#entries, maxEntries);
    return this.#write(entry, nowMs);
  }

  /** Counts that grew and have not been written for `olderThanMs`. */
  pendingCounts(nowMs: number, olderThanMs: number): EventWrite[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.count > entry.written && nowMs - entry.writtenMs >= olderThanMs)
      .map((entry) => this.#write(entry, nowMs));
  }

  /** Forgets what is old; gives the counts that are due. */
  sweep(nowMs: number): EventWrite[] {
    const due = this.pendingCounts(nowMs, quietMs);
    for (const [id, entry] of this.#entries)
      if (nowMs - entry.seenMs >= quietMs && entry.count === entry.written) this.#entries.delete(id);
    for (const [id, budget] of this.#budgets) if (tokens(budget, nowMs) >= burst) this.#budgets.delete(id);
    return due;
  }

  #write(entry: Entry, nowMs: number): EventWrite {
    entry.written = entry.count;
    entry.writtenMs = nowMs;
    return { content: entry.content, name: entry.name, count: entry.count };
  }

  #spend(objectId: string, nowMs: number): boolean {
    const budget = this.#budgets.get(objectId) ?? { tokens: burst, atMs: nowMs };
    const left = tokens(budget, nowMs);
    if (left < 1) return false;
    this.#budgets.delete(objectId);
    this.#budgets.set(objectId, { tokens: left - 1, atMs: nowMs });
    bound(this.#budgets, maxBudgets);
    return true;
  }

  #eventName(objectName = 'object'): string {
    const unique = Math.floor(this.#random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    return `${objectName.slice(0, 253 - 1 - unique.length)}.${unique}`;
  }
}

function tokens(budget: Budget, nowMs: number): number {
  return Math.min(burst, budget.tokens + (nowMs - budget.atMs) / refillMs);
}

function bound(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
