// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type SplitArguments } from '../../arguments.ts';

/** What can be done with the rollout of a Subscription. */
export const rolloutActions = ['history', 'undo', 'diff', 'status', 'pause', 'resume', 'approve'] as const;
export type RolloutAction = (typeof rolloutActions)[number];

const withValue = new Set([
  '-n',
  '--namespace',
  '--to-revision',
  '--revision',
  '-o',
  '--output',
  '--request-timeout',
  '-v',
  '--v',
  '-f',
  '--filename',
  '-k',
  '--kustomize',
  '-l',
  '--selector',
]);

/**
 * Whether `rollout` is about a Subscription rather than a workload, which is kubectl's: kubectl needs a kind (`deployment/web`, `deployment web`, or a
 * file), and a Subscription is named alone or as `subscription/app`. Help that names neither is ours, and tells of kubectl's.
 */
export function isRollout({ command, rest }: SplitArguments): boolean {
  if (command !== 'rollout') return false;
  const words = positional(rest).slice(1);
  const [action, target, ...more] = words;
  if (action === undefined) return true;
  if (!rolloutActions.some((one) => one === action)) return false;
  if (action === 'diff' || action === 'approve' || (target === undefined && rest.some(isHelpFlag))) return true;
  return target !== undefined && more.length === 0 && (!target.includes('/') || /^sub(s|scriptions?)?\//.test(target));
}

const isHelpFlag = (word: string): boolean => word === '--help' || word === '-h';

/** The words that are neither flags nor their values. */
export function positional(rest: readonly string[]): string[] {
  return rest.filter((word, index) => !word.startsWith('-') && !withValue.has(rest[index - 1] ?? ''));
}
