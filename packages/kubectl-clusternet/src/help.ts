// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type SplitArguments } from './arguments.ts';
import { childCommands, isKubectlCommand, templateCommands } from './kubectl/commands.ts';
import { isOwnCommand, ownCommands } from './ownCommands.ts';

/** Answers `--help`, `help` and `help COMMAND`. */
export async function help(split: SplitArguments): Promise<number> {
  const about = split.rest.filter((word) => !word.startsWith('-') && word !== 'help');
  const [command] = about;
  const asked = { ...split, rest: [...about, '--help'], command };
  if (isOwnCommand(asked)) {
    const { runOwnCommand } = await import('./commands/program.ts');
    return runOwnCommand(asked);
  }
  if (command !== undefined && isKubectlCommand(command)) {
    const { runKubectl } = await import('./kubectl/runKubectl.ts');
    return runKubectl({ split: asked });
  }
  process.stdout.write(overview);
  return 0;
}

function section(title: string, commands: Readonly<Record<string, string>>): string {
  const lines = Object.entries(commands).map(([name, what]) => `  ${name.padEnd(14)} ${what}`);
  return `${title}\n${lines.join('\n')}\n`;
}

const overview = `Templates for many clusters, and the clusters themselves.

Templates are objects that Subscriptions deploy to child clusters; they are stored in the parent and run nowhere there. kubectl's commands
work on them as on live objects, with the flags and output you know.

${section('Templates (kubectl):', templateCommands)}
${section('In one child, with --cluster-id (kubectl, and all commands above):', childCommands)}
${section('Clusters and Subscriptions:', ownCommands)}
Flags:
  --kubeconfig, --context, --cluster, --user, --server, --token, --as, ...
                            the parent and the login to it, as kubectl has them
  --cluster-id NAME|ID      act in this child, through the parent
  --child-kubeconfig FILE   with the credential in this file; as yourself if left out
  --child-context NAME      its context to take
  --clusternet-as USER, --clusternet-as-uid UID, --clusternet-as-group GROUP
                            impersonate in the child; needs --child-kubeconfig

Examples:
  kubectl clusternet apply -f shop.yaml
  kubectl clusternet get deployments -A
  kubectl clusternet status shop
  kubectl clusternet logs deploy/web -n shop --cluster-id eu-1

"kubectl clusternet COMMAND --help" tells more about a command.
`;
