// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { splitArguments, strangeFlag } from './arguments.ts';
import { CliError, describeError, UsageError } from './errors.ts';
import { isKubectlCommand } from './kubectl/commands.ts';
import { isOwnCommand } from './ownCommands.ts';
import { suggest } from './suggest.ts';

/** Runs one command line and gives its exit code. Only what the command needs is loaded. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return error instanceof CliError ? error.exitCode : 1;
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  if (argv[0] === '__complete' || argv[0] === '__completeNoDesc') {
    const { complete } = await import('./completion/complete.ts');
    process.stdout.write(await complete(argv.slice(1)));
    return 0;
  }
  const split = splitArguments(argv);
  const { command } = split;
  const strange = command === undefined ? strangeFlag(split) : undefined;
  if (strange !== undefined) throw new UsageError(`unknown flag: ${strange}\nSee "kubectl clusternet --help".`);
  if (command === undefined || command === 'help') {
    const { help } = await import('./help.ts');
    return help(split);
  }
  if (isOwnCommand(split)) {
    const { runOwnCommand } = await import('./commands/program.ts');
    return runOwnCommand(split);
  }
  if (isKubectlCommand(command)) {
    const { runKubectl } = await import('./kubectl/runKubectl.ts');
    return runKubectl({ split });
  }
  const nearest = suggest(command);
  const hint = nearest === undefined ? 'see "kubectl clusternet --help"' : `did you mean "${nearest}"?`;
  throw new UsageError(`unknown command "${command}" for "kubectl clusternet": ${hint}`);
}
