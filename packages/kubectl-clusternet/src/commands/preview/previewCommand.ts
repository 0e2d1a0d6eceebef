// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Command, Option } from 'commander';
import { type InSession } from '../program.ts';
import { type Output } from '../session.ts';

/** Adds `preview`. */
export function addPreviewCommand(
  root: Command,
  o: {
    inSession: InSession;
    output: Output;
    namespace: Option;
    ignored: (command: Command) => Command;
    setCode: (code: number) => void;
  },
): void {
  o.ignored(root.command('preview'))
    .description(
      'Show what each cluster would get with these files, as a diff against what it has; nothing is written. Exits with 1 when there is a difference.',
    )
    .requiredOption(
      '-f, --filename <file...>',
      'files or folders with overrides, Subscriptions, ManagedClusters, and objects to be deployed; "-" for standard input',
    )
    .option('-R, --recursive', 'look into folders of folders as well')
    .option(
      '--offline',
      'from the files alone, without a parent: everything is new; clusters are the ManagedClusters in the files',
    )
    .addOption(o.namespace)
    .addOption(
      new Option('-o, --output <format>', 'yaml: the objects that each cluster would get')
        .choices(['diff', 'yaml'])
        .default('diff'),
    )
    .action(
      async (flags: {
        filename: string[];
        recursive?: boolean;
        offline?: boolean;
        namespace?: string;
        output: 'diff' | 'yaml';
      }) => {
        const { previewOffline, previewOnline } = await import('./preview.ts');
        if (flags.offline) o.setCode(await previewOffline(flags, { output: o.output, namespace: flags.namespace ?? 'default' }));
        else await o.inSession(flags, (session) => previewOnline(session, flags));
      },
    );
}
