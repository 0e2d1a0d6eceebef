// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type SplitArguments } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { coloursFor } from '../output/colours.ts';
import { outputFormats, type OutputFormat } from '../output/print.ts';
import { addPreviewCommand } from './preview/previewCommand.ts';
import { addRolloutCommand } from './rollout/rolloutCommand.ts';
import { type Output, type Session, withSession } from './session.ts';

interface Flags {
  output?: OutputFormat;
  namespace?: string;
}

/** Runs work on the parent and takes its exit code. */
export type InSession = (flags: { namespace?: string }, work: (session: Session) => Promise<number | void>) => Promise<void>;

/** Runs one of the commands that are not kubectl's; resolves with the exit code. */
export async function runOwnCommand(split: SplitArguments): Promise<number> {
  const stop = new AbortController();
  let code = 0;
  const interrupted = (): void => {
    code = 130;
    stop.abort();
  };
  const output: Output = {
    write: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(`${text}\n`),
    colours: coloursFor(process.stdout),
    isTerminal: process.stdout.isTTY,
  };
  const inSession: InSession = async (flags, work) => {
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    try {
      // There, --cluster is a child.
      const parent = split.command === 'rollout' ? { ...split.parent, cluster: undefined } : split.parent;
      const given = { flags: parent, namespace: flags.namespace, output, signal: stop.signal };
      code = (await withSession(given, work)) ?? 0;
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    }
  };
  const namesChild = split.child.cluster !== undefined || split.child.kubeconfig !== undefined;
  if (namesChild && split.command !== 'visit') {
    throw new UsageError(
      `--cluster-id and --child-kubeconfig are for kubectl's commands and "visit"; "${split.command}" is about the parent`,
    );
  }

  const root = new Command('kubectl clusternet').exitOverride().configureOutput({ outputError: () => undefined });
  root.helpCommand(false).helpOption('-h, --help', 'tell about this command');
  const formats = (help: string): Option => new Option('-o, --output <format>', help).choices(outputFormats);
  const namespace = new Option('-n, --namespace <name>', 'namespace, instead of that of the context');
  const ignored = (command: Command): Command =>
    command.addOption(new Option('--request-timeout <time>').hideHelp()).addOption(new Option('-v, --v <level>').hideHelp());

  const clusters = ignored(root.command('clusters').description('List the clusters and their health.'));
  clusters
    .argument(
      '[names...]',
      'only these clusters, by name or id; "describe" before them shows everything about each, "health" what is wrong with them',
    )
    .addOption(formats('json, yaml, wide or name'))
    .option('-l, --selector <selector>', 'only clusters with these labels')
    .action((names: string[], flags: Flags & { selector?: string }) =>
      inSession(flags, async (session) => {
        const { clustersHealth, describeClusters, listClusters } = await import('./clusters.ts');
        const [first, ...others] = names;
        if (first === 'describe') return describeClusters(session, { names: others, ...flags });
        if (first === 'health') return clustersHealth(session, { names: others, ...flags });
        return listClusters(session, { names: first === 'list' ? others : names, ...flags });
      }),
    );

  ignored(root.command('visit'))
    .description(
      'Print a kubeconfig for a child that goes through the parent with your login, or run a command or shell with it.',
    )
    .argument('<child>', 'name or id of the cluster')
    .argument('[command...]', 'command to run with KUBECONFIG set, after "--"; a shell with --shell')
    .addOption(namespace)
    .option('--shell', 'start your shell')
    .option('-w, --write <file>', 'write the kubeconfig to a file that only you can read, instead of printing it')
    .action((child: string, command: string[], flags: Flags & { shell?: boolean; write?: string }) =>
      inSession(flags, async (session) => {
        const { visit } = await import('./visit.ts');
        return visit(session, { child, command, split, ...flags });
      }),
    );

  ignored(root.command('status'))
    .description('Show what became of a Subscription: its clusters, and every object in each of them; what waits, and why.')
    .argument('<subscription>', 'name of the Subscription')
    .addOption(namespace)
    .addOption(formats('json or yaml: the same as data'))
    .option('-w, --watch', 'show changes as they happen')
    .action((name: string, flags: Flags & { watch?: boolean }) =>
      inSession(flags, async (session) => {
        const { status } = await import('./status/status.ts');
        return status(session, { name, ...flags });
      }),
    );

  addRolloutCommand(root, { split, inSession, namespace, ignored });
  addPreviewCommand(root, { inSession, output, namespace, ignored, setCode: (value) => void (code = value) });

  ignored(root.command('join-command'))
    .description('Print the command that makes a cluster a child of this parent, with a fresh bootstrap token.')
    .option('--ttl <time>', 'how long the token may be used, such as 2h or 30m', duration, 24 * 3_600_000)
    .option('--cluster-name <name>', 'name of the cluster; made up if left out')
    .option('--cluster-labels <labels>', 'labels of the cluster, as a=b,c=d')
    .addOption(new Option('--sync-mode <mode>', 'who deploys to the cluster').choices(['Push', 'Pull', 'Dual']))
    .option('--parent-url <url>', 'address at which the child reaches the parent, where it differs from that in the kubeconfig')
    .option('--chart <chart>', 'chart of the agent', 'charts/clusternet-agent')
    .addOption(new Option('-o, --output <format>', 'json: token, address and CA as data').choices(['json', 'yaml']))
    .action((flags) =>
      inSession(flags as Flags, async (session) => {
        const { joinCommand } = await import('./joinCommand.ts');
        return joinCommand(session, flags as Parameters<typeof joinCommand>[1]);
      }),
    );

  const whichClusters = ['<clusters...>', 'names or ids of clusters'] as const;
  for (const verb of ['cordon', 'uncordon'] as const) {
    ignored(root.command(verb))
      .description(
        verb === 'cordon'
          ? 'Keep anything new away from clusters; what is there stays. With --cluster-id it is about a node of that cluster.'
          : 'Let clusters be used again that were cordoned or drained. With --cluster-id it is about a node of that cluster.',
      )
      .argument(...whichClusters)
      .action((names: string[], flags: Flags) =>
        inSession(flags, async (session) => {
          const { cordon } = await import('./cordon.ts');
          return cordon(session, { verb, clusters: names });
        }),
      );
  }

  ignored(root.command('drain'))
    .description(
      'Have everything leave clusters that does not tolerate it, and wait until it has. With --cluster-id it is about a node of that cluster.',
    )
    .argument(...whichClusters)
    .option('--timeout <time>', 'how long to wait, such as 10m; as long as it takes if left out', duration, 0)
    .option('--no-wait', 'do not wait')
    .action((names: string[], flags: Flags & { timeout: number; wait: boolean }) =>
      inSession(flags, async (session) => {
        const { drain } = await import('./cordon.ts');
        return drain(session, { clusters: names, ...flags });
      }),
    );

  for (const verdict of ['approve', 'deny'] as const) {
    ignored(root.command(verdict))
      .description(verdict === 'approve' ? 'Let clusters join.' : 'Keep clusters from joining.')
      .argument(
        '[requests...]',
        'names of ClusterRegistrationRequests, cluster ids or cluster names; all that wait are listed if left out',
      )
      .action((requests: string[], flags: Flags) =>
        inSession(flags, async (session) => {
          const { judge } = await import('./judge.ts');
          return judge(session, { verdict, requests });
        }),
      );
  }

  ignored(root.command('doctor'))
    .description('Check an installation and say what to mend; exits with 1 when something is wrong.')
    .addOption(new Option('--system-namespace <name>', 'namespace of the services').default('clusternet-system'))
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
    .action((flags: Flags & { systemNamespace: string }) =>
      inSession(flags, async (session) => {
        const { doctor } = await import('./doctor/doctor.ts');
        return doctor(session, flags);
      }),
    );

  ignored(root.command('version'))
    .description('Print the version of this program.')
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']).default('json'))
    .action(async ({ output: format }: { output: 'json' | 'yaml' }) => {
      const { version } = await import('./version.ts');
      output.write(await version(format));
    });

  root
    .command('completion')
    .description(
      'Print the completion script of a shell for the command kubectl-clusternet; kubectl completes "kubectl clusternet" itself.',
    )
    .addArgument(root.createArgument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion/scripts.ts');
      output.write(completionScript(shell));
    });

  for (const command of root.commands) command.exitOverride().copyInheritedSettings(root);
  try {
    await root.parseAsync(split.rest, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new UsageError(`${error.message.replace(/^error: /, '')}\nSee "kubectl clusternet ${split.command} --help".`);
  }
}

function duration(text: string): number {
  const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  if (parts.map(([part]) => part).join('') !== text || ms <= 0)
    throw new InvalidArgumentError('write a time such as 24h, 90m or 7d.');
  return ms;
}
