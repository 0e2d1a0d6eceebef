// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmRelease, type HelmReleaseStatus, type ReleasePhase, stableStringify } from '@clusternet/api-types';
import { setCondition } from '@clusternet/runtime';
import { deployerConditions } from '../../descriptionStatus.ts';
import { type Outage } from '../../reachability.ts';
import { releaseRefOf } from './inputs.ts';
import { type ReleaseOutcome } from './releaseWorker.ts';

const maxNotes = 4_000;

/** The status after a look at the release, or after helm has worked on it. */
export function statusAfter(release: HelmRelease, outcome: ReleaseOutcome, now: Date): HelmReleaseStatus {
  const { record, details, problem } = outcome;
  const ref = releaseRefOf(release);
  const known = record !== undefined;
  return {
    phase: problem === undefined ? outcome.phase : phaseOf(outcome),
    notes: cut(problem?.message ?? details?.notes ?? ''),
    description: problem && outcome.worked ? problem.reason : (details?.description ?? problem?.reason ?? ''),
    ...(known ? { version: record.revision } : {}),
    ...(details?.firstDeployed ? { firstDeployed: details.firstDeployed } : {}),
    ...(details?.lastDeployed ? { lastDeployed: details.lastDeployed } : {}),
    ...(details?.chartVersion ? { chartVersion: details.chartVersion } : {}),
    // Where something is, or may be: it has to be found again when name or namespace change.
    releaseName: ref.name,
    releaseNamespace: ref.namespace,
    observedGeneration: release.metadata.generation ?? 0,
    conditions: reachableCondition(release.status, undefined, now),
  };
}

/** The status while helm works. */
export function statusDuring(release: HelmRelease, phase: ReleasePhase): HelmReleaseStatus {
  const ref = releaseRefOf(release);
  const { releaseName = ref.name, releaseNamespace = ref.namespace } = release.status ?? {};
  return { ...release.status, phase, notes: '', releaseName, releaseNamespace };
}

/** The status while the child does not answer: what was known stays. */
export function statusInOutage(release: HelmRelease, outage: Outage, now: Date): HelmReleaseStatus {
  return { ...release.status, conditions: reachableCondition(release.status, outage, now) };
}

/** A merge patch that makes `next` of `previous`; undefined when they are equal. */
export function statusPatch(previous: HelmReleaseStatus | undefined, next: HelmReleaseStatus): HelmReleaseStatus | undefined {
  if (previous !== undefined && stableStringify(previous) === stableStringify(next)) return undefined;
  const left = Object.keys(previous ?? {}).filter((key) => !(key in next));
  return { ...next, ...Object.fromEntries(left.map((key) => [key, null])) };
}

function phaseOf({ phase, problem, record }: ReleaseOutcome): ReleasePhase {
  if (problem?.reason === 'Waiting') return record?.status ?? phase;
  return phase;
}

function reachableCondition(
  previous: HelmReleaseStatus | undefined,
  outage: Outage | undefined,
  now: Date,
): HelmReleaseStatus['conditions'] {
  const type = deployerConditions.reachable;
  const condition = outage
    ? { type, status: 'False' as const, reason: outage.reason, message: outage.message }
    : { type, status: 'True' as const, reason: 'Answering', message: '' };
  return setCondition(previous?.conditions, condition, now).conditions;
}

function cut(text: string): string {
  return text.length > maxNotes ? `${text.slice(0, maxNotes)}…` : text;
}
