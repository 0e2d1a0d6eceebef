// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Condition,
  conditionTypes,
  type Description,
  type DescriptionStatus,
  type Feed,
  type ManifestStatus,
  stableStringify,
} from '@clusternet/api-types';
import { type NewCondition, setCondition } from '@clusternet/runtime';
import { boundStatus, maxObservedStatus } from './boundStatus.ts';
import { cut, type ObjectErrorReason } from './objectError.ts';
import { type Outage } from './reachability.ts';

/** Condition types of a Description that are the deployer's, besides `Applied`. */
export const deployerConditions = {
  /** The child answers. */
  reachable: 'Reachable',
  /** Somebody in the child keeps changing objects back. */
  contested: 'Contested',
} as const;

/** A failure with the time it was first seen. */
export interface ObjectError {
  reason: ObjectErrorReason;
  message: string;
  /** RFC 3339. */
  since: string;
}

/** What is known of one object. */
export interface ObjectView {
  feed: Feed;
  /** It is in the child as wanted. */
  done: boolean;
  error?: ObjectError;
  /** Live `.status` in the child. */
  status?: unknown;
}

/** Everything that the status of a Description says. */
export interface StatusInput {
  description: Description;
  /** Status as it stands, which keeps its times. */
  previous: DescriptionStatus | undefined;
  /** In the order of the feeds. */
  objects: readonly ObjectView[];
  /** Entries of `spec.raw` that cannot be read. */
  invalid: readonly { message: string }[];
  /** Objects that have to go: the removed ones or, during deletion, all. */
  leaving: readonly ObjectView[];
  outage: Outage | undefined;
  /** Names of objects that somebody keeps changing back. */
  contested: readonly string[];
  now: Date;
}

/** Longest `status.reason`, in characters. */
const maxReason = 2_000;
/** Longest JSON text of all live statuses of one Description, in characters: the object must fit into etcd beside its spec. */
const maxAllStatuses = 300_000;

/**
 * The status of a Description. `observedGeneration` moves only to a generation whose objects were all applied and whose
 * removed objects are all gone; while the child does not answer the phase stays as it was.
 */
export function buildStatus(o: StatusInput): DescriptionStatus {
  const { description, previous } = o;
  const deleting = description.metadata.deletionTimestamp !== undefined;
  const problems = problemsOf(o);
  const done = o.objects.every((object) => object.done) && o.leaving.every((object) => object.done) && o.invalid.length === 0;
  const phase = phaseOf({ deleting, done, failed: problems.length > 0, previous: previous?.phase, outage: o.outage });
  const settled = phase === 'Success' || phase === 'Failure';
  const observedGeneration = done && !deleting && !o.outage ? description.metadata.generation : previous?.observedGeneration;
  const reason = problems.length > 0 ? cut(problems.join('; '), maxReason) : '';
  return {
    phase,
    reason: o.outage && problems.length === 0 ? (previous?.reason ?? '') : reason,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    manifestStatuses: manifestStatuses(o.objects),
    conditions: conditionsOf(o, { done, problems: problems.length, reason, settled }),
  };
}

function problemsOf({ invalid, objects, leaving }: StatusInput): string[] {
  const errors = [...objects, ...leaving].flatMap(({ error }) => (error ? [error.message] : []));
  const all = [...invalid.map(({ message }) => message), ...errors];
  if (all.length <= 1) return all;
  return [`${all.length} objects failed: ${all[0]}`, ...all.slice(1)];
}

function phaseOf(o: {
  deleting: boolean;
  done: boolean;
  failed: boolean;
  previous: DescriptionStatus['phase'];
  outage: Outage | undefined;
}): DescriptionStatus['phase'] {
  if (o.outage) return o.previous ?? 'Pending';
  if (o.deleting) return 'Uninstalling';
  if (o.failed) return 'Failure';
  return o.done ? 'Success' : (o.previous ?? 'Pending');
}

function manifestStatuses(objects: readonly ObjectView[]): ManifestStatus[] {
  const share = Math.max(256, Math.min(maxObservedStatus, Math.floor(maxAllStatuses / Math.max(1, objects.length))));
  return objects.map(({ feed, status, error }) => {
    const observedStatus = boundStatus(status, share);
    return {
      ...feed,
      ...(observedStatus === undefined ? {} : { observedStatus }),
      ...(error === undefined ? {} : { error: { ...error, message: cut(error.message, Math.max(200, share)) } }),
    };
  });
}

function conditionsOf(o: StatusInput, s: { done: boolean; problems: number; reason: string; settled: boolean }): Condition[] {
  const generation = o.description.metadata.generation;
  let conditions = conditionsIn(o.previous ?? {});
  const set = (condition: NewCondition): void => {
    conditions = setCondition(conditions, condition, o.now).conditions;
  };
  if (!o.outage && (s.settled || s.problems > 0)) {
    const type = conditionTypes.applied;
    if (s.problems > 0)
      set({ type, status: 'False', reason: 'ObjectsFailed', message: s.reason, observedGeneration: generation });
    else if (s.done) {
      set({
        type,
        status: 'True',
        reason: 'AllApplied',
        message: `${o.objects.length} objects applied`,
        observedGeneration: generation,
      });
    }
  }
  set(
    o.outage
      ? {
          type: deployerConditions.reachable,
          status: 'False',
          reason: o.outage.reason,
          message: cut(o.outage.message, maxReason),
        }
      : { type: deployerConditions.reachable, status: 'True', reason: 'Answering', message: '' },
  );
  const contestedBefore = conditions.some(({ type }) => type === deployerConditions.contested);
  if (o.contested.length > 0) {
    const message = cut(
      `somebody in the cluster keeps changing ${o.contested.join(', ')}; it is put back less and less often`,
      maxReason,
    );
    set({ type: deployerConditions.contested, status: 'True', reason: 'ChangedBack', message });
  } else if (contestedBefore) {
    set({ type: deployerConditions.contested, status: 'False', reason: 'Quiet', message: '' });
  }
  return conditions;
}

/** How urgent it is to write `next` where `previous` stands. */
export type StatusChange = 'none' | 'later' | 'now';

/**
 * Compares two statuses. What people and controllers wait for (phase, errors, conditions) is urgent; counters of live
 * statuses and the confirmation of a generation can be gathered into fewer writes.
 */
export function statusChange(previous: DescriptionStatus | undefined, next: DescriptionStatus): StatusChange {
  if (previous === undefined) return 'now';
  if (digest(previous) !== digest(next)) return 'now';
  return stableStringify(own(previous)) === stableStringify(own(next)) ? 'none' : 'later';
}

const ownConditions: readonly string[] = [conditionTypes.applied, deployerConditions.reachable, deployerConditions.contested];

/** The part of a status that the deployer writes, in one order. */
function own(status: DescriptionStatus): unknown[] {
  return [status.phase, status.reason ?? '', status.observedGeneration, status.manifestStatuses ?? [], conditionsIn(status)];
}

function conditionsIn(status: DescriptionStatus): Condition[] {
  const conditions = (status.conditions ?? []).filter(({ type }) => ownConditions.includes(type));
  return conditions.sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** What of a status is worth a write of its own. Texts of errors may differ with each try. */
function digest(status: DescriptionStatus): string {
  const failing = (status.manifestStatuses ?? []).flatMap((s) =>
    s.error ? [[s.kind, s.namespace, s.name, s.error.reason]] : [],
  );
  return JSON.stringify([status.phase, failing, conditionsIn(status).map((c) => [c.type, c.status])]);
}
