// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description, type DescriptionStatus, fieldManagers, resources } from '@clusternet/api-types';
import { isNotFound, type KubeClient, objectKey } from '@clusternet/client';
import { type Clock, type EventRecorder } from '@clusternet/runtime';
import { buildStatus, deployerConditions, statusChange } from './descriptionStatus.ts';
import { type FlapGuard } from './flapGuard.ts';
import { type Group, type TrackedObject } from './group.ts';
import { flapKey } from './groupWorker.ts';
import { isNotNewer } from './liveObject.ts';
import { cut, nameOf } from './objectError.ts';
import { type Reachability } from './reachability.ts';

/** Least time between two writes of one status that nobody waits for, in milliseconds. */
const intervalMs = 1_000;
/** Time after the last write to the child within which another one is expected, in milliseconds. */
const settleMs = 500;
/** A deletion that takes longer shows in the status, in milliseconds. */
const slowDeletionMs = 3_000;

/** What is remembered of the last write of a status. */
interface Written {
  uid: string | undefined;
  /** Milliseconds of the monotonic clock. */
  at: number;
  /** resourceVersion of the Description that came of it. */
  version: string | undefined;
  /** Kept only until the informer has it too. */
  status: DescriptionStatus | undefined;
}

/** Writes the statuses of Descriptions: the outcome at once, later changes of the live objects gathered. */
export class StatusWriter {
  readonly #parent: Pick<KubeClient, 'resource'>;
  readonly #recorder: Pick<EventRecorder, 'event'>;
  readonly #reachability: Reachability;
  readonly #flaps: FlapGuard;
  readonly #clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly #written = new Map<string, Written>();

  constructor(o: {
    parent: Pick<KubeClient, 'resource'>;
    recorder: Pick<EventRecorder, 'event'>;
    reachability: Reachability;
    flaps: FlapGuard;
    clock: Pick<Clock, 'monotonic' | 'now'>;
  }) {
    this.#parent = o.parent;
    this.#recorder = o.recorder;
    this.#reachability = o.reachability;
    this.#flaps = o.flaps;
    this.#clock = o.clock;
  }

  /** Writes the status if it is due. Says in how many milliseconds to ask again when it is not, or when it changes by time alone. */
  async write(
    description: Description,
    group: Group | undefined,
    signal: AbortSignal,
  ): Promise<{ requeueAfterMs: number } | undefined> {
    const key = objectKey(description);
    this.observed(description);
    const last = this.#lastOf(key, description);
    const previous = last?.status ?? description.status;
    const next = this.#next(description, { group, previous });
    if (next === undefined) return undefined;
    const change = statusChange(previous, next);
    if (change === 'none') return this.#untilQuiet(group);
    const wait =
      change === 'now' ? 0 : Math.max(after(last?.at, intervalMs), after(group?.lastWriteAt, settleMs)) - this.#clock.monotonic();
    if (wait > 0) return { requeueAfterMs: wait };
    const version = await this.#send(description, next, signal);
    this.#written.set(key, { uid: description.metadata.uid, at: this.#clock.monotonic(), version, status: next });
    if (change === 'now') this.#tell(description, { previous, next });
    return this.#untilQuiet(group);
  }

  /** Told of each state of a Description that the informer has: what it says need not be remembered twice. */
  observed(description: Description): void {
    const last = this.#lastOf(objectKey(description), description);
    if (last?.version === undefined) return;
    if (isNotNewer({ metadata: { resourceVersion: last.version } }, description.metadata.resourceVersion))
      last.status = undefined;
  }

  /** Drops the memory of a Description that is gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  #lastOf(key: string, description: Description): Written | undefined {
    const last = this.#written.get(key);
    return last?.uid === description.metadata.uid ? last : undefined;
  }

  #next(
    description: Description,
    o: { group: Group | undefined; previous: DescriptionStatus | undefined },
  ): DescriptionStatus | undefined {
    const { group, previous } = o;
    const { outage } = this.#reachability;
    const view = group?.working === false ? group.view(description) : undefined;
    if (outage === undefined && (view === undefined || this.#isQuickDeletion(description, view.leaving))) return undefined;
    const now = this.#clock.now();
    if (view === undefined || group === undefined) return outageOnly({ description, previous, outage, now });
    const contested = this.#contested(group).map(({ feed }) => nameOf(feed));
    return buildStatus({ description, previous, ...view, outage, contested, now });
  }

  #contested(group: Group): TrackedObject[] {
    const prefix = `${group.owner.name} `;
    const flapping = new Set(this.#flaps.flapping(this.#clock.monotonic()).filter((key) => key.startsWith(prefix)));
    return flapping.size === 0 ? [] : [...group.objects.values()].filter((object) => flapping.has(flapKey(group, object)));
  }

  /** Nothing tells of an object that it is left in peace at last; so it is asked when that may be. */
  #untilQuiet(group: Group | undefined): { requeueAfterMs: number } | undefined {
    if (group === undefined) return undefined;
    const now = this.#clock.monotonic();
    const quietIn = this.#contested(group).map((object) => this.#flaps.quietIn(flapKey(group, object), now) ?? 0);
    return quietIn.length === 0 ? undefined : { requeueAfterMs: Math.min(...quietIn) + 1 };
  }

  #isQuickDeletion(description: Description, leaving: readonly { done: boolean; error?: unknown }[]): boolean {
    const since = description.metadata.deletionTimestamp;
    if (since === undefined) return false;
    if (leaving.some(({ error }) => error !== undefined)) return false;
    return leaving.every(({ done }) => done) || this.#clock.now().getTime() - Date.parse(since) < slowDeletionMs;
  }

  async #send(description: Description, status: DescriptionStatus, signal: AbortSignal): Promise<string | undefined> {
    const { name, namespace, uid } = description.metadata;
    const { apiVersion, kind } = description;
    try {
      const written = await this.#parent
        .resource<Description>(resources.descriptions)
        .apply({ apiVersion, kind, metadata: { name, namespace, uid }, status } as Description, {
          fieldManager: fieldManagers.deployer,
          force: true,
          subresource: 'status',
          signal,
        });
      return written.metadata.resourceVersion;
    } catch (error) {
      // Deleted meanwhile: nobody is left to read it.
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  #tell(
    description: Description,
    { previous, next }: { previous: DescriptionStatus | undefined; next: DescriptionStatus },
  ): void {
    const message = cut(next.reason ?? '', 900);
    const failed = next.phase === 'Failure' || next.phase === 'Uninstalling';
    if (failed && message !== '' && previous?.reason !== next.reason) {
      const reason = next.phase === 'Failure' ? 'DeployFailed' : 'RemovalFailed';
      this.#recorder.event(description, { type: 'Warning', reason, message });
    }
    const contested = next.conditions?.find(({ type }) => type === deployerConditions.contested);
    const before = previous?.conditions?.find(({ type }) => type === deployerConditions.contested);
    if (contested?.status === 'True' && before?.status !== 'True') {
      this.#recorder.event(description, {
        type: 'Warning',
        reason: 'ObjectContested',
        message: cut(contested.message ?? '', 900),
      });
    }
  }
}

function after(at: number | undefined, ms: number): number {
  return at === undefined ? 0 : at + ms;
}

/** The status of a Description whose objects were never looked at, as the child does not answer. */
function outageOnly(o: {
  description: Description;
  previous: DescriptionStatus | undefined;
  outage: Reachability['outage'];
  now: Date;
}): DescriptionStatus {
  const built = buildStatus({ ...o, objects: [], leaving: [], invalid: [], contested: [] });
  // Nothing was learnt about the objects: what was known of them stays.
  return { ...built, manifestStatuses: o.previous?.manifestStatuses ?? [] };
}
