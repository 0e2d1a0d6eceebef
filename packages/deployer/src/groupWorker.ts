// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { feedKey, type Description } from '@clusternet/api-types';
import { type Clock } from '@clusternet/runtime';
import pLimit, { type LimitFunction } from 'p-limit';
import { type DesiredObject } from './decode.ts';
import { type FlapGuard } from './flapGuard.ts';
import {
  type Group,
  isDone,
  type LeavingObject,
  noteFailure,
  noteLive,
  noteSuccess,
  type Retried,
  type TrackedObject,
} from './group.ts';
import { type Groups } from './groups.ts';
import { type KindResolver } from './kindResolver.ts';
import { contentHash } from './liveObject.ts';
import { type ApplyResult, type ObjectApplier } from './objectApplier.ts';
import { toObjectFailure } from './objectError.ts';
import { omit } from './omit.ts';
import { type Reachability } from './reachability.ts';
import { leavingDelay } from './retryDelay.ts';
import { groupKind, isCrd, isNamespace, planRemoval, planWaves } from './waves.ts';

/** Thrown when the child as a whole does not answer: no object is to blame, and no further request makes sense. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Options of {@link GroupWorker}. */
export interface GroupWorkerOptions {
  /** Dedicated namespace. */
  namespace: string;
  applier: ObjectApplier;
  kinds: KindResolver;
  groups: Groups;
  reachability: Reachability;
  flaps: FlapGuard;
  recovery: boolean;
  /** Objects at a time, over all groups. */
  concurrency: number;
  clock: Pick<Clock, 'monotonic' | 'now'>;
  random: () => number;
  /** Told of each attempt, for metrics. */
  onResult: (result: 'applied' | 'unchanged' | 'failed' | 'removed') => void;
  /** Told of objects that a group gave up, which others may wait for. */
  onGivenUp: (keys: string[], by: Group) => void;
}

/** Brings the objects of one group into the child, and those that are no longer wanted out of it. */
export class GroupWorker {
  readonly #o: GroupWorkerOptions;
  readonly #limit: LimitFunction;

  constructor(options: GroupWorkerOptions) {
    this.#o = options;
    this.#limit = pLimit(options.concurrency);
  }

  /**
   * Does what is due for the Descriptions of the group, as far as it can be done now. What failed is noted per object.
   *
   * @throws UnreachableError when the child stopped answering.
   */
  async work(group: Group, descriptions: readonly Description[], signal: AbortSignal): Promise<void> {
    const { desired, dropped } = group.update(descriptions);
    for (const object of dropped) {
      this.#o.groups.release(group, object);
      this.#o.flaps.forget(flapKey(group, object));
    }
    const givenUp = dropped.map(({ feed }) => feedKey(feed));
    try {
      await this.#applyAll(group, desired, { signal, since: errorTimes(descriptions) });
      await this.#removeAll(group, signal);
    } finally {
      // Said only this once, so also when the rest has to be tried again.
      if (givenUp.length > 0) this.#o.onGivenUp(givenUp, group);
    }
  }

  async #applyAll(
    group: Group,
    desired: DesiredObject[],
    o: { signal: AbortSignal; since: ReadonlyMap<string, string> },
  ): Promise<void> {
    const definitions = desired.map(({ object }) => object).filter(isCrd);
    const items = desired.map((want) => ({ apiVersion: want.object.apiVersion, kind: want.object.kind, want }));
    const definedKinds = new Set(items.map(groupKind));
    const freshNamespaces = new Set<string>();
    for (const wave of planWaves(items, definitions)) {
      const due = wave.flatMap(({ want }) => {
        const object = group.objects.get(want.key);
        return object && this.#isDue(group, object) ? [{ want, object }] : [];
      });
      await this.#all(due, async ({ want, object }) => {
        const result = await this.#applyOne(group, { want, object, fresh: freshNamespaces.has(want.feed.namespace ?? '') }, o);
        if (!result || 'failure' in result) return;
        if (isNamespace(want.object) && result.created) freshNamespaces.add(want.feed.name);
        if (isCrd(want.object)) await this.#learn(want, result, { definedKinds, signal: o.signal });
      });
    }
  }

  #isDue(group: Group, object: TrackedObject): boolean {
    const now = this.#o.clock.monotonic();
    if (isDone(object) || object.nextAttemptAt > now) return false;
    if (!object.verify || object.error !== undefined || object.applied?.hash !== object.hash) return true;
    const { waitMs } = this.#o.flaps.check(flapKey(group, object), now);
    if (waitMs > 0) object.nextAttemptAt = now + waitMs;
    return waitMs === 0;
  }

  async #applyOne(
    group: Group,
    step: { want: DesiredObject; object: TrackedObject; fresh: boolean },
    o: { signal: AbortSignal; since: ReadonlyMap<string, string> },
  ): Promise<ApplyResult | undefined> {
    const { want, object } = step;
    const repair = object.verify && object.applied?.hash === want.hash;
    // A change seen while this runs has to be looked at afterwards.
    object.verify = false;
    const result = await this.#attempt(object, want.feed, o, () =>
      this.#o.applier.apply(want, {
        owner: group.owner,
        known: object.applied,
        verify: repair || object.error !== undefined || (object.applied === undefined && this.#o.recovery),
        fresh: step.fresh && object.failures === 0,
        mayTakeOver: (owner) => this.#o.groups.isGivenUp(owner, want.key, this.#o.namespace),
        signal: o.signal,
      }),
    ).catch((error: unknown) => {
      object.verify ||= repair;
      throw error;
    });
    if (result === undefined || 'failure' in result) {
      this.#o.onResult('failed');
      if (result) noteFailure(object, result.failure, { ...this.#clock, since: o.since.get(want.key) });
      return result;
    }
    const { live, wrote } = result;
    if (wrote) group.lastWriteAt = this.#o.clock.monotonic();
    if (repair && wrote) this.#o.flaps.repaired(flapKey(group, object), this.#o.clock.monotonic(), this.#o.random);
    object.applied = omit(result, 'live', 'wrote', 'created');
    noteLive(object, live, this.#o.recovery ? contentHash(live) : undefined);
    noteSuccess(object);
    this.#o.groups.track(group, object, result.target);
    this.#o.onResult(wrote ? 'applied' : 'unchanged');
    return result;
  }

  async #learn(
    want: DesiredObject,
    result: ApplyResult,
    o: { definedKinds: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<void> {
    if ('failure' in result) return;
    this.#o.kinds.learn(want.object);
    const spec = want.object['spec'] as { group?: string; names?: { kind?: string } } | undefined;
    if (!o.definedKinds.has(`${spec?.group}/${spec?.names?.kind}`)) return;
    await this.#o.applier.waitEstablished(result.live, result.target, o.signal).catch((error: unknown) => {
      // Only a wait: whether the objects of the kind can be applied shows when they are.
      if (o.signal.aborted) throw error;
    });
  }

  async #removeAll(group: Group, signal: AbortSignal): Promise<void> {
    const present = [...group.leaving.values()].filter(({ gone }) => !gone);
    for (const wave of planRemoval(present.map((object) => ({ ...object.feed, object })))) {
      const due = wave.map(({ object }) => object).filter((object) => object.nextAttemptAt <= this.#o.clock.monotonic());
      await this.#all(due, (object) => this.#removeOne(group, object, signal));
      if (wave.some(({ object }) => !object.gone)) return;
    }
  }

  async #removeOne(group: Group, object: LeavingObject, signal: AbortSignal): Promise<void> {
    const { feed } = object;
    const heir = this.#o.groups.wantedElsewhere(feedKey(feed), group)?.owner;
    const result = await this.#attempt(object, feed, { signal, since: new Map() }, () =>
      this.#o.applier.remove(feed, { owner: group.owner, heir, isWanted: (live) => group.wants(live), signal }),
    );
    if (result === undefined) return;
    if (result === 'leaving') {
      object.error = undefined;
      object.failures += 1;
      object.nextAttemptAt = this.#o.clock.monotonic() + leavingDelay(object.failures, this.#o.random);
      return;
    }
    object.gone = true;
    noteSuccess(object);
    if (isCrd(feed)) this.#o.kinds.forget(feed.name);
    this.#o.onResult('removed');
  }

  /** Runs one step; its failure is noted at `step` and gives undefined. */
  async #attempt<T>(
    step: Retried,
    feed: DesiredObject['feed'],
    o: { signal: AbortSignal; since: ReadonlyMap<string, string> },
    run: () => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#o.reachability.blocked) throw new UnreachableError('the child cluster does not answer');
    try {
      return await run();
    } catch (error) {
      if (o.signal.aborted) throw error;
      const failure = toObjectFailure(error, feed);
      if (failure.suspect && !(await this.#o.reachability.confirm())) {
        throw new UnreachableError('the child cluster does not answer', { cause: error });
      }
      noteFailure(step, failure, { ...this.#clock, since: o.since.get(feedKey(feed)) });
      return undefined;
    }
  }

  /** Runs `each` for all items, a bounded number at a time; the first error is thrown once all have ended. */
  async #all<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(items.map((item) => this.#limit(() => each(item))));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  get #clock(): { now: number; date: Date; random: () => number } {
    const { clock, random } = this.#o;
    return { now: clock.monotonic(), date: clock.now(), random };
  }
}

/** Key of an object in the {@link FlapGuard}. */
export function flapKey(group: Group, { feed }: TrackedObject): string {
  return `${group.owner.name} ${feedKey(feed)}`;
}

/** Since when objects fail, as their status says: so that a restart does not lose it. */
function errorTimes(descriptions: readonly Description[]): Map<string, string> {
  const statuses = descriptions.flatMap((description) => description.status?.manifestStatuses ?? []);
  return new Map(statuses.flatMap((status) => (status.error?.since ? [[feedKey(status), status.error.since] as const] : [])));
}
