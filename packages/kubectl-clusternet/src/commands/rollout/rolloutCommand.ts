// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Command, InvalidArgumentError, Option } from 'commander';
import { type SplitArguments } from '../../arguments.ts';
import { type InSession } from '../program.ts';
import { type RolloutAction } from './isRollout.ts';

const descriptions: Record<RolloutAction, string> = {
  history: 'List the revisions that are kept and what each changed; with --revision, print its objects.',
  undo: 'Take a Subscription, or one cluster of it, back to an earlier revision, byte for byte.',
  diff: 'Show what "undo" would change; exits with 1 when there is something.',
  status: 'Show which cluster has which revision, and what a staged rollout waits for; exits with 1 while it is not complete.',
  pause: 'Let no cluster get changes.',
  resume: 'Let clusters get changes again.',
  approve: 'Let the change that the first clusters have go to the others.',
};

/** Adds `rollout` and what can be done with it. */
export function addRolloutCommand(
  root: Command,
  o: { split: SplitArguments; inSession: InSession; namespace: Option; ignored: (command: Command) => Command },
): void {
  const rollout = o
    .ignored(root.command('rollout'))
    .description('Changes of a Subscription: earlier ones, and how new ones spread.')
    .addHelpText(
      'after',
      "\nWith a kind (rollout restart deployment/web) it is kubectl's own, and about a template; with --cluster-id NAME, about a workload of that child.\n" +
        'See "kubectl rollout --help".',
    );
  rollout.action(() => rollout.outputHelp());
  for (const action of Object.keys(descriptions) as RolloutAction[]) {
    const command = o.ignored(rollout.command(action)).description(descriptions[action]);
    command.argument('<subscription>', 'name of the Subscription').addOption(o.namespace);
    // Taken before with the flags of the parent: here it names a child.
    command.addOption(new Option('--cluster <name>', 'only this cluster'));
    if (action === 'undo' || action === 'diff')
      command.option('--to-revision <number>', 'revision to go back to; the one before if left out', revision);
    if (action === 'history') command.option('--revision <number>', 'print the objects of this revision', revision);
    command.action((name: string, flags: { namespace?: string; toRevision?: number; revision?: number }) =>
      o.inSession(flags, async (session) => {
        const { rollout: run } = await import('./rollout.ts');
        const { cluster } = o.split.parent;
        return run(session, { action, name, cluster, revision: flags.toRevision ?? flags.revision });
      }),
    );
    command.exitOverride().copyInheritedSettings(root);
  }
}

function revision(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('write the number of a revision, such as 3.');
  return number;
}
