// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Condition,
  conditionTypes,
  type Description,
  type DescriptionPhase,
  type DescriptionStatus,
  type HelmRelease,
  type ManifestStatus,
  resources,
  stableStringify,
} from '@clusternet/api-types';
import { deployerConditions } from '@clusternet/deployer';
import { findCondition, type NewCondition, setCondition } from '@clusternet/runtime';

/** What the status of a Helm Description is made of. */
export interface HelmStatusInput {
  description: Description;
  /** One for each chart, in their order; without a release while that is not there yet. */
  charts: { chart: { namespace: string; name: string }; release: HelmRelease | undefined; current: boolean }[];
  /** HelmReleases that are on their way out. */
  leaving: readonly HelmRelease[];
  /** Why the Description cannot be worked on at all. */
  malformed?: string;
  now: Date;
}

const maxReason = 2_000;
const ownConditions: readonly string[] = [conditionTypes.applied, deployerConditions.reachable];

/** The part of a status that is written here, in one order, to tell whether another write is needed. */
export function ownPartOf(status: DescriptionStatus | undefined): string {
  const { phase, reason = '', observedGeneration, manifestStatuses = [], conditions = [] } = status ?? {};
  const own = conditions.filter(({ type }) => ownConditions.includes(type)).sort((a, b) => (a.type < b.type ? -1 : 1));
  return stableStringify([phase, reason, observedGeneration, manifestStatuses, own]);
}

/** One chart in one cluster. */
interface ChartState {
  phase: DescriptionPhase;
  problem?: string;
  entry: ManifestStatus;
  done: boolean;
  unreachable?: Condition;
}

/** The most telling of the phases of several charts: the first of these that one of them has. */
const order: readonly DescriptionPhase[] = [
  'Failure',
  'Uninstalling',
  'Installing',
  'Upgrading',
  'Unknown',
  'Superseded',
  'Pending',
];

/** The status of a Helm Description: that of all its charts together, and of each. */
export function helmStatusOf(o: HelmStatusInput): DescriptionStatus {
  const { description, leaving, malformed, now } = o;
  const previous = description.status;
  const { generation, deletionTimestamp } = description.metadata;
  const states = o.charts.map(stateOf);
  const departing = leaving.map(departureOf);
  const problems = [
    ...(malformed === undefined ? [] : [malformed]),
    ...[...states, ...departing].flatMap(({ problem }) => problem ?? []),
  ];
  const phases = [...states, ...departing].map(({ phase }) => phase);
  const deleting = deletionTimestamp !== undefined;
  const done = malformed === undefined && !deleting && leaving.length === 0 && states.every((state) => state.done);
  const reason = cut(problems.length > 1 ? `${problems.length} charts failed: ${problems.join('; ')}` : problems.join(''));
  const phase = malformed === undefined ? (order.find((one) => phases.includes(one)) ?? 'Success') : 'Failure';
  const observedGeneration = done ? generation : previous?.observedGeneration;
  const unreachable = [...states, ...departing].find((state) => state.unreachable)?.unreachable;
  return {
    phase: deleting ? 'Uninstalling' : phase,
    reason,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    manifestStatuses: states.map(({ entry }) => entry),
    conditions: conditionsOf({
      previous,
      generation,
      reason,
      failed: phase === 'Failure',
      done,
      count: states.length,
      unreachable,
      now,
    }),
  };
}

function stateOf({ chart, release, current }: HelmStatusInput['charts'][number]): ChartState {
  const feed = { apiVersion: apiVersionOf(resources.helmCharts), kind: resources.helmCharts.kind, ...chart };
  const status = release?.status;
  const seen = current && status?.observedGeneration === release?.metadata.generation;
  if (release === undefined || status?.phase === undefined) return { phase: 'Pending', entry: feed, done: false };
  const failed = status.phase === 'failed' || (status.phase === 'uninstalling' && Boolean(status.notes));
  const message = status.notes || status.description || 'helm failed without a word';
  const problem = failed && seen ? `${chart.namespace}/${chart.name}: ${message}` : undefined;
  const unreachable = findCondition(status.conditions, deployerConditions.reachable);
  const { phase, version, chartVersion, description } = status;
  return {
    phase: problem === undefined ? phaseOf(status.phase, seen) : 'Failure',
    ...(problem === undefined ? {} : { problem }),
    entry: {
      ...feed,
      observedStatus: { phase, version, chartVersion, description },
      ...(problem === undefined ? {} : { error: { reason: status.description || 'Failed', message: cut(message) } }),
    },
    done: seen && status.phase === 'deployed',
    ...(unreachable?.status === 'False' ? { unreachable } : {}),
  };
}

function departureOf({ metadata, status }: HelmRelease): Pick<ChartState, 'phase' | 'problem' | 'unreachable'> {
  const unreachable = findCondition(status?.conditions, deployerConditions.reachable);
  const failed = status?.phase === 'uninstalling' && Boolean(status.notes);
  return {
    phase: failed ? 'Failure' : 'Uninstalling',
    ...(failed ? { problem: `${metadata.name} cannot be uninstalled: ${status?.notes}` } : {}),
    ...(unreachable?.status === 'False' ? { unreachable } : {}),
  };
}

function phaseOf(phase: string, seen: boolean): DescriptionPhase {
  switch (phase) {
    case 'deployed':
      return seen ? 'Success' : 'Pending';
    case 'pending-install':
      return 'Installing';
    case 'pending-upgrade':
    case 'pending-rollback':
      return 'Upgrading';
    case 'uninstalling':
      return 'Uninstalling';
    case 'superseded':
      return 'Superseded';
    case 'failed':
      return 'Pending';
    default:
      return 'Unknown';
  }
}

function conditionsOf(o: {
  previous: DescriptionStatus | undefined;
  generation: number | undefined;
  reason: string;
  failed: boolean;
  done: boolean;
  count: number;
  unreachable: Condition | undefined;
  now: Date;
}): Condition[] {
  const observed = o.generation === undefined ? {} : { observedGeneration: o.generation };
  let conditions = (o.previous?.conditions ?? []).filter(({ type }) => ownConditions.includes(type));
  const set = (condition: NewCondition): void => {
    conditions = setCondition(conditions, condition, o.now).conditions;
  };
  const type = conditionTypes.applied;
  if (o.failed) set({ type, status: 'False', reason: 'ChartsFailed', message: o.reason, ...observed });
  else if (o.done) set({ type, status: 'True', reason: 'AllApplied', message: `${o.count} charts deployed`, ...observed });
  const { unreachable } = o;
  set(
    unreachable
      ? { type: deployerConditions.reachable, status: 'False', reason: unreachable.reason, message: unreachable.message }
      : { type: deployerConditions.reachable, status: 'True', reason: 'Answering', message: '' },
  );
  return conditions.sort((a, b) => (a.type < b.type ? -1 : 1));
}

function cut(text: string): string {
  return text.length > maxReason ? `${text.slice(0, maxReason)}…` : text;
}
