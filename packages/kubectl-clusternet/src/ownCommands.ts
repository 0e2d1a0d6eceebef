// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type SplitArguments } from './arguments.ts';
import { isRollout } from './commands/rollout/isRollout.ts';
import { isKubectlCommand } from './kubectl/commands.ts';

/** The commands that are not kubectl's; of those with a name of kubectl's, kubectl's is meant when a child is named. */
export const ownCommands: Readonly<Record<string, string>> = {
  clusters: 'list the clusters and their health, or describe one',
  visit: 'get a kubeconfig, a shell or a command for a child, through the parent',
  status: 'show what became of a Subscription, down to every object in every child',
  rollout: 'history, undo, diff and stages of a Subscription; of workloads, it is as kubectl has it',
  preview: 'show what changed files would change in each cluster, before anything is written',
  'join-command': 'print the command that makes a cluster a child, with a fresh token',
  cordon: 'keep anything new away from a cluster',
  drain: 'have workloads leave a cluster, and wait until they have',
  uncordon: 'let a cluster be used again',
  approve: 'let a cluster join',
  deny: 'keep a cluster from joining',
  doctor: 'check an installation and say what to mend',
  version: 'print the version of this program',
  completion: 'print the completion script of a shell',
};

/** Whether a command line is for one of {@link ownCommands}, and not for kubectl. */
export function isOwnCommand(split: SplitArguments): boolean {
  const { command = '', child } = split;
  const namesChild = child.cluster !== undefined || child.kubeconfig !== undefined;
  if (!Object.hasOwn(ownCommands, command) || (namesChild && isKubectlCommand(command))) return false;
  return command !== 'rollout' || isRollout(split);
}
