// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description, feedKey, type Feed, type KubeObject } from '@clusternet/api-types';
import { type DecodedDescription, decodeDescription, type DesiredObject } from './decode.ts';
import { type ObjectError, type ObjectView } from './descriptionStatus.ts';
import { type ObjectFailure } from './objectError.ts';
import { type Applied } from './objectApplier.ts';
import { type Owner } from './ownership.ts';
import { isNotNewer } from './liveObject.ts';
import { retryDelay } from './retryDelay.ts';
import { groupKind, planRemoval } from './waves.ts';

/** Memory of one step that may fail and be repeated. */
export interface Retried {
  error?: ObjectError;
  failures: number;
  /** Milliseconds of the monotonic clock; not before then. */
  nextAttemptAt: number;
}

/** Memory of one object that should be in the child. */
export interface TrackedObject extends Retried {
  feed: Feed;
  /** Hash of what is wanted. */
  hash: string;
  applied?: Applied;
  /** Live state as last seen; `content` only with recovery. */
  status?: unknown;
  version?: string;
  content?: string;
  /** Somebody changed or deleted the live object: look at it. */
  verify: boolean;
}

/** Memory of one object that should not be in the child. */
export interface LeavingObject extends Retried {
  feed: Feed;
  gone: boolean;
}

interface Shard {
  uid: string | undefined;
  generation: number | undefined;
  deleting: boolean;
  objects: string[];
  leaving: string[];
  invalid: DecodedDescription['invalid'];
}

/**
 * Memory of the Descriptions of one Base: what each of their objects is like in the child. It is rebuilt after a restart
 * from what the objects carry, so nothing here needs to be stored.
 */
export class Group {
  readonly owner: Owner;
  readonly objects = new Map<string, TrackedObject>();
  readonly leaving = new Map<string, LeavingObject>();
  /** The objects cannot be judged yet: no reconcile has run to its end. */
  working = true;
  /** Milliseconds of the monotonic clock at the last write to the child. */
  lastWriteAt: number | undefined;
  readonly #shards = new Map<string, Shard>();

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /**
   * Takes over what the Descriptions say now.
   *
   * @returns the objects to apply, and the tracked ones that are no longer wanted
   */
  update(descriptions: readonly Description[]): { desired: DesiredObject[]; dropped: TrackedObject[] } {
    const desired = new Map<string, DesiredObject>();
    this.#shards.clear();
    for (const description of descriptions) {
      const deleting = description.metadata.deletionTimestamp !== undefined;
      const { objects, invalid } = decodeDescription(description);
      for (const object of deleting ? [] : objects) if (!desired.has(object.key)) desired.set(object.key, object);
      const feeds = [...(deleting ? objects.map(({ feed }) => feed) : []), ...(description.spec?.removed ?? [])];
      for (const feed of feeds) {
        const key = feedKey(feed);
        if (!this.leaving.has(key)) this.leaving.set(key, { feed, gone: false, failures: 0, nextAttemptAt: 0 });
      }
      const { uid, generation, name } = description.metadata;
      this.#shards.set(name, {
        uid,
        generation,
        deleting,
        objects: objects.map(({ key }) => key),
        leaving: feeds.map(feedKey),
        invalid,
      });
    }
    const listed = new Set([...this.#shards.values()].flatMap(({ leaving }) => leaving));
    for (const key of this.leaving.keys()) if (!listed.has(key) || desired.has(key)) this.leaving.delete(key);
    return { desired: [...desired.values()], dropped: this.#track(desired) };
  }

  /** What the status of one of the Descriptions has to say; undefined when its current generation was not worked yet. */
  view(description: Description): { objects: ObjectView[]; leaving: ObjectView[]; invalid: Shard['invalid'] } | undefined {
    const shard = this.#shards.get(description.metadata.name);
    const { uid, generation } = description.metadata;
    const deleting = description.metadata.deletionTimestamp !== undefined;
    if (!shard || shard.uid !== uid || shard.generation !== generation || shard.deleting !== deleting) return undefined;
    const leaving = shard.leaving.flatMap((key) => {
      const object = this.leaving.get(key);
      return object ? [{ feed: object.feed, done: object.gone, error: object.error }] : [];
    });
    const objects = shard.objects.flatMap((key) => {
      const object = this.objects.get(key);
      if (!object) return [];
      return [{ feed: object.feed, done: isDone(object), error: object.error, status: object.status }];
    });
    return { objects, leaving, invalid: shard.invalid };
  }

  /** Whether everything of a Description that is being deleted is gone. */
  isGone(description: Description): boolean {
    return this.view(description)?.leaving.every(({ done }) => done) === true;
  }

  /** Milliseconds until something has to be tried again; undefined when nothing has. */
  nextAttempt(now: number): number | undefined {
    const present = [...this.leaving.values()].filter(({ gone }) => !gone);
    // Later waves have to wait for this one, however long it takes.
    const [wave = []] = planRemoval(present.map((object) => ({ ...object.feed, object })));
    const due = [...[...this.objects.values()].filter((object) => !isDone(object)), ...wave.map(({ object }) => object)].map(
      ({ nextAttemptAt }) => nextAttemptAt,
    );
    return due.length === 0 ? undefined : Math.max(0, Math.min(...due) - now);
  }

  /**
   * Whether a live object is one that is wanted, under whatever feed key: another version of its API and a namespace that
   * is named or left to be `default` make other keys of one object.
   */
  wants(live: KubeObject): boolean {
    for (const { feed, applied } of this.objects.values()) {
      if (applied?.uid !== undefined && applied.uid === live.metadata.uid) return true;
      if (groupKind(feed) === groupKind(live) && isNamed(feed, live.metadata)) return true;
    }
    return false;
  }

  /** Drops and returns nothing but the objects that are tracked without being wanted; new ones start without memory. */
  #track(desired: ReadonlyMap<string, DesiredObject>): TrackedObject[] {
    const dropped: TrackedObject[] = [];
    for (const [key, object] of this.objects) {
      if (desired.has(key)) continue;
      this.objects.delete(key);
      dropped.push(object);
    }
    for (const { key, feed, hash } of desired.values()) {
      const object = this.objects.get(key);
      if (!object) this.objects.set(key, { feed, hash, verify: false, failures: 0, nextAttemptAt: 0 });
      else if (object.hash !== hash) {
        // A new rendering is a new chance: it does not wait for the back-off of the old one.
        Object.assign(object, { hash, nextAttemptAt: 0 });
      }
    }
    return dropped;
  }
}

/** Whether the object is in the child as wanted, as far as is known. */
export function isDone(object: TrackedObject): boolean {
  return object.applied?.hash === object.hash && !object.verify && object.error === undefined;
}

function isNamed(feed: Feed, { name, namespace }: KubeObject['metadata']): boolean {
  return feed.name === name && (namespace === undefined || (feed.namespace || 'default') === namespace);
}

/** Notes a failure; the time it is first seen stays while the reason does. */
export function noteFailure(
  step: Retried,
  failure: ObjectFailure,
  o: { now: number; date: Date; random: () => number; since?: string },
): void {
  const { reason, message } = failure;
  const before = step.error?.reason === reason ? step.error.since : o.since;
  step.failures += 1;
  step.error = { reason, message, since: before ?? o.date.toISOString() };
  step.nextAttemptAt = o.now + retryDelay(reason, step.failures, o.random);
}

/** Notes a success. */
export function noteSuccess(step: Retried): void {
  step.error = undefined;
  step.failures = 0;
  step.nextAttemptAt = 0;
}

/** The live state of a tracked object, as an answer of the child shows it. */
export function noteLive(object: TrackedObject, live: KubeObject, content: string | undefined): void {
  if (isNotNewer(live, object.version)) {
    // The watch told of it before the answer came: of this very state, or of a later one that must not be lost.
    if (object.version === live.metadata.resourceVersion) object.verify = false;
    return;
  }
  object.status = live['status'];
  object.version = live.metadata.resourceVersion;
  object.content = content;
}
