// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Heap } from './heap.ts';

/** When a key is due, and why. Times are milliseconds of one monotonic clock. */
interface Entry {
  key: string;
  priority: number;
  /** Due because somebody added the key; moves back while adds keep coming (coalescing). */
  addDue: number | undefined;
  /** Time of the first add since the key was last taken: the coalescing must not move past it for ever. */
  firstAdd: number;
  /** Due by a delayed add; the earliest wins. */
  laterDue: number | undefined;
  /** Due by back-off after an error. */
  retryDue: number | undefined;
  /** Stamp of the entry's valid place in a heap; older places are skipped when they come up. */
  place: number;
  readyAt: number;
}

interface Place {
  entry: Entry;
  place: number;
  due: number;
  order: number;
  /** Of the entry when it got this place: a heap whose items change their order loses its shape. */
  priority: number;
}

/** A key taken out to be worked. */
export interface Taken {
  key: string;
  /** When it became ready. */
  readyAt: number;
  priority: number;
}

/**
 * Decides which key is worked next: due keys by priority, then in the order they became due. Holds each key once. Pure: the
 * caller brings the time.
 */
export class Schedule {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Heap<Place>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #ready = new Heap<Place>((a, b) => a.priority > b.priority || (a.priority === b.priority && a.order < b.order));
  readonly #quietMs: number;
  readonly #maxQuietMs: number;
  #order = 0;

  constructor(options: { quietMs: number; maxQuietMs: number }) {
    this.#quietMs = options.quietMs;
    this.#maxQuietMs = Math.max(options.maxQuietMs, options.quietMs);
  }

  /** An add of now: due once the key has been quiet, at the latest `maxQuietMs` after its first add; at once if asked. */
  add(key: string, now: number, options: { priority?: number; immediate?: boolean } = {}): void {
    const entry = this.#entry(key, options.priority ?? 0);
    const pendingSince = entry.addDue === undefined ? now : entry.firstAdd;
    // A key that was to run at once must not be put off by a later add.
    const ready = entry.addDue !== undefined && entry.addDue <= now;
    entry.firstAdd = pendingSince;
    if (options.immediate || ready) entry.addDue = Math.min(entry.addDue ?? now, now);
    else entry.addDue = Math.min(now + this.#quietMs, pendingSince + this.#maxQuietMs);
    this.#put(entry);
  }

  /** Due at `due`, unless it is due earlier anyway. */
  addAt(key: string, due: number, priority?: number): void {
    const entry = this.#entry(key, priority);
    entry.laterDue = Math.min(entry.laterDue ?? Infinity, due);
    this.#put(entry);
  }

  /** Due again at `due` because it failed. */
  retryAt(key: string, due: number, priority?: number): void {
    const entry = this.#entry(key, priority);
    entry.retryDue = Math.min(entry.retryDue ?? Infinity, due);
    this.#put(entry);
  }

  /** The next key that is due now and that `accept` lets through; it leaves the schedule. */
  take(now: number, accept: (key: string) => boolean): Taken | undefined {
    this.#promote(now);
    const refused: Place[] = [];
    let taken: Taken | undefined;
    for (let top = this.#ready.pop(); top; top = this.#ready.pop()) {
      const { entry } = top;
      if (!this.#valid(top)) continue;
      if (!accept(entry.key)) {
        refused.push(top);
        continue;
      }
      this.#entries.delete(entry.key);
      taken = { key: entry.key, readyAt: entry.readyAt, priority: entry.priority };
      break;
    }
    for (const place of refused) this.#ready.push(place);
    return taken;
  }

  /** Milliseconds until the next key becomes due; undefined when none will. Those due already do not count: they wait for a worker. */
  nextDelay(now: number): number | undefined {
    this.#promote(now);
    const next = this.#waiting.peek();
    return next && next.due - now;
  }

  /** Keys that were added or failed and have not been worked since; those that only wait for a delayed add do not count. */
  get pending(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.addDue !== undefined || entry.retryDue !== undefined) count++;
    return count;
  }

  /** Keys that wait for a worker or for quiet, not those in back-off. */
  depth(now: number): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.addDue !== undefined || dueOf(entry) <= now) count++;
    return count;
  }

  clear(): void {
    this.#entries.clear();
  }

  #entry(key: string, priority: number | undefined): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        key,
        priority: priority ?? 0,
        addDue: undefined,
        firstAdd: 0,
        laterDue: undefined,
        retryDue: undefined,
        place: 0,
        readyAt: 0,
      };
      this.#entries.set(key, entry);
    }
    if (priority !== undefined && priority > entry.priority) {
      entry.priority = priority;
      // Its place in the heap is that of the old priority.
      entry.place = 0;
    }
    return entry;
  }

  #put(entry: Entry): void {
    const due = dueOf(entry);
    if (entry.place !== 0 && entry.readyAt === due) return;
    entry.readyAt = due;
    entry.place = ++this.#order;
    this.#waiting.push({ entry, place: entry.place, due, order: entry.place, priority: entry.priority });
    // Outdated places leave by themselves when due, which for delayed adds is late: swept when they outnumber the valid ones.
    if (this.#waiting.size > 2 * this.#entries.size + 64) this.#waiting.retain((place) => this.#valid(place));
  }

  #promote(now: number): void {
    for (let top = this.#waiting.peek(); top && (top.due <= now || !this.#valid(top)); top = this.#waiting.peek()) {
      this.#waiting.pop();
      if (this.#valid(top)) this.#ready.push(top);
    }
  }

  #valid(place: Place): boolean {
    return place.entry.place === place.place && this.#entries.get(place.entry.key) === place.entry;
  }
}

function dueOf(entry: Entry): number {
  return Math.min(entry.addDue ?? Infinity, entry.laterDue ?? Infinity, entry.retryDue ?? Infinity);
}
