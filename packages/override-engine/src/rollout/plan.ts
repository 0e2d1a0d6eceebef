// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type LabelSelector, labelSelectorSchema, matchesSelector } from '@clusternet/api-types';
import * as z from 'zod';

const stepSchema = z.strictObject({
  /** Clusters with these labels. */
  selector: labelSelectorSchema.optional(),
  /** So many of them, by name; of all that are left without a selector. */
  count: z.int().min(1).optional(),
});

/** Annotation `apps.clusternet.io/rollout` of a Subscription: which clusters go first, and what is waited for. */
export const rolloutStrategySchema = z.strictObject({
  /** One after the other; the clusters in none of them come last. */
  steps: z
    .array(stepSchema.refine(({ selector, count }) => selector !== undefined || count !== undefined, 'needs selector or count'))
    .min(1)
    .max(10),
  /** Whether a person has to let each change through after the first step. */
  approval: z.boolean().default(false),
  /** How long the clusters of a step must have been healthy before the next one. */
  soakSeconds: z.int().min(0).max(86_400).default(10),
  /** After how long without health a rollout counts as stopped. */
  deadlineSeconds: z.int().min(1).max(86_400).default(600),
});
export type RolloutStrategy = z.infer<typeof rolloutStrategySchema>;

/** A cluster of a Subscription in a rollout. */
export interface RolloutMember {
  key: string;
  /** Name for people and order. */
  name: string;
  labels: Record<string, string> | undefined;
  /** How it stood when it was rendered last; undefined: not yet. */
  assessed: { inputs: string; outdated: boolean } | undefined;
  /** Milliseconds since 1970; undefined while it is not healthy. */
  healthySince: number | undefined;
  /** Why it is not healthy, and since when it has not been. */
  problem?: { message: string; since: number };
  /** It has been as it is for longer than the engine has been looking. */
  inherited?: boolean;
}

/** How the clusters of one step do, to be remembered over a restart. */
export interface StepHealth {
  /** From 1. */
  step: number;
  healthy: boolean;
  /** Milliseconds since 1970. */
  since: number;
}

/** What a rollout comes to at this moment. */
export interface RolloutPlan {
  state: 'Complete' | 'Progressing' | 'WaitingForHealth' | 'WaitingForApproval' | 'Paused' | 'Stopped' | 'InvalidStrategy';
  message: string;
  /** Keys of the clusters that may be written now. */
  open: ReadonlySet<string>;
  /** When it is worth to look again though nothing happened. */
  checkAgainAfterMs?: number;
  /** Of the last step that has the change. */
  health?: StepHealth;
}

/** Names that a message tells at most. */
const maxNamed = 3;

/**
 * Decides which clusters may get a change now. A step is open when all clusters of those before it have what was rendered from the same inputs,
 * have been healthy for long enough, and a person has approved where that is asked for.
 */
export function planRollout(o: {
  strategy: RolloutStrategy | undefined;
  members: readonly RolloutMember[];
  /** Hash of what is rendered now. */
  inputs: string;
  paused: boolean;
  /** The hash that a person let through. */
  approved: string | undefined;
  /** What was found out of these inputs before the engine was started. */
  remembered?: StepHealth;
  now: number;
}): RolloutPlan {
  const { strategy, members, inputs, now, remembered } = o;
  const behind = members.filter(({ assessed }) => assessed?.inputs !== inputs || assessed.outdated);
  if (o.paused) {
    const message = `paused; ${behind.length === 0 ? 'no cluster waits' : `${namesOf(behind)} wait`}`;
    return { state: 'Paused', message, open: new Set() };
  }
  if (!strategy)
    return { state: 'Complete', message: 'every cluster gets changes at once', open: new Set(members.map(({ key }) => key)) };
  const steps = assignSteps(strategy, members);
  const open = new Set<string>();
  let health: StepHealth | undefined;
  for (const [index, step] of steps.entries()) {
    for (const { key } of step) open.add(key);
    const later = steps.slice(index + 1).flat();
    const stepBehind = step.filter((member) => behind.includes(member));
    if (stepBehind.length > 0) {
      return {
        state: 'Progressing',
        message: `step ${index + 1} of ${steps.length}: ${namesOf(stepBehind)} get the change`,
        open,
        ...(health ? { health } : {}),
      };
    }
    const known = step.map((member) => asRemembered(member, { step: index + 1, remembered }));
    const { wait, ...found } = healthOf(known, { strategy, now, title: `step ${index + 1} of ${steps.length}` });
    health = { step: index + 1, ...found };
    if (wait) return { ...wait, open, health };
    if (!later.some((member) => behind.includes(member))) continue;
    if (strategy.approval && o.approved !== inputs) {
      const message = `step ${index + 1} of ${steps.length} is healthy; approve ${inputs} to go on with ${namesOf(later)}`;
      return { state: 'WaitingForApproval', message, open, health };
    }
  }
  return { state: 'Complete', message: 'every cluster has the change and is healthy', open, ...(health ? { health } : {}) };
}

/** The clusters of each step, those left over last; a step without clusters is none. */
export function assignSteps(strategy: RolloutStrategy, members: readonly RolloutMember[]): RolloutMember[][] {
  let left = [...members].sort((a, b) => (`${a.name} ${a.key}` < `${b.name} ${b.key}` ? -1 : 1));
  const steps: RolloutMember[][] = [];
  for (const { selector, count } of strategy.steps) {
    const step = left.filter(({ labels }) => selector === undefined || matches(selector, labels)).slice(0, count);
    steps.push(step);
    left = left.filter((member) => !step.includes(member));
  }
  return [...steps, left].filter((step) => step.length > 0);
}

/** A cluster with what is remembered of its step; those of earlier steps had been healthy for long enough. */
function asRemembered(
  member: RolloutMember,
  { step, remembered }: { step: number; remembered: StepHealth | undefined },
): RolloutMember {
  if (!member.inherited || !remembered || step > remembered.step) return member;
  const { healthySince, problem } = member;
  const since = step < remembered.step ? 0 : remembered.since;
  if (healthySince !== undefined)
    return step < remembered.step || remembered.healthy ? { ...member, healthySince: Math.min(healthySince, since) } : member;
  if (problem === undefined || step < remembered.step || remembered.healthy) return member;
  return { ...member, problem: { ...problem, since: Math.min(problem.since, since) } };
}

function healthOf(
  step: readonly RolloutMember[],
  { strategy, now, title }: { strategy: RolloutStrategy; now: number; title: string },
): Omit<StepHealth, 'step'> & { wait?: Omit<RolloutPlan, 'open'> } {
  const unhealthy = step.filter(({ healthySince }) => healthySince === undefined);
  if (unhealthy.length > 0) {
    const [first] = unhealthy;
    const since = Math.min(...unhealthy.map(({ problem }) => problem?.since ?? now));
    const stopped = now - since >= strategy.deadlineSeconds * 1000;
    const why = first?.problem === undefined ? '' : `: ${first.problem.message}`;
    const checkAgainAfterMs = stopped ? undefined : Math.max(1000, since + strategy.deadlineSeconds * 1000 - now);
    const wait = {
      state: stopped ? ('Stopped' as const) : ('WaitingForHealth' as const),
      message: `${title}: ${namesOf(unhealthy)} ${stopped ? `did not become healthy in ${strategy.deadlineSeconds} s` : 'are not healthy yet'}${why}`,
      ...(checkAgainAfterMs === undefined ? {} : { checkAgainAfterMs }),
    };
    return { healthy: false, since, wait };
  }
  const healthySince = Math.max(...step.map((member) => member.healthySince ?? now));
  const remaining = healthySince + strategy.soakSeconds * 1000 - now;
  if (remaining <= 0) return { healthy: true, since: healthySince };
  const message = `${title}: healthy, and watched for ${Math.ceil(remaining / 1000)} s more`;
  return { healthy: true, since: healthySince, wait: { state: 'WaitingForHealth', message, checkAgainAfterMs: remaining } };
}

/** A selector that cannot be understood chooses nothing: its clusters come last. */
function matches(selector: LabelSelector, labels: Record<string, string> | undefined): boolean {
  try {
    return matchesSelector(selector, labels);
  } catch {
    return false;
  }
}

function namesOf(members: readonly RolloutMember[]): string {
  const names = members.map(({ name }) => name).sort();
  const rest = names.length - maxNamed;
  return `${names.slice(0, maxNamed).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
