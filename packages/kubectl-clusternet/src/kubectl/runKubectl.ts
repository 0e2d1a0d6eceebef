// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type SplitArguments } from '../arguments.ts';
import { CliError, UsageError } from '../errors.ts';
import { checkTunnels, isMissingApi, noTemplates } from '../missingApi.ts';
import { childCommands, localCommands } from './commands.ts';
import { discoveryCache } from './discoveryCache.ts';
import { findKubectl } from './findKubectl.ts';
import { runProgram } from './runProgram.ts';
import { writeTemporaryKubeconfig } from './temporaryFiles.ts';

/** Options of {@link runKubectl}. */
export interface RunKubectlOptions {
  split: SplitArguments;
  env?: NodeJS.ProcessEnv;
  /** Given what kubectl prints, instead of our standard output. */
  onOutput?: (chunk: string) => void;
}

/** Carries out a command of kubectl, on templates or in a child, by the user's own kubectl; resolves with its exit code. */
export async function runKubectl({ split, env = process.env, onOutput }: RunKubectlOptions): Promise<number> {
  const program = findKubectl(env);
  const { rest, command } = split;
  const end = rest.indexOf('--');
  const flags = end < 0 ? rest : rest.slice(0, end);
  if (flags.some((word) => word === '--help' || word === '-h')) return help({ program, args: rest, env });
  if (command !== undefined && localCommands.has(command)) return runProgram({ program, args: rest, env, onOutput });
  const wantsChild = split.child.cluster !== undefined;
  if (!wantsChild) checkTemplateCommand(split);

  const [{ openTarget }, { startEndpoint }] = await Promise.all([import('./openTarget.ts'), import('./endpoint.ts')]);
  const target = await openTarget(split);
  const stop = new AbortController();
  let unreachable: Error | undefined;
  let isMissing = false;
  await using endpoint = await startEndpoint({
    ...target,
    onUnreachable: (error) => {
      // What kubectl would say of its own endpoint helps nobody.
      unreachable = error;
      stop.abort();
    },
    onAnswer: (path, answer) => {
      isMissing ||= (wantsChild || path.includes('/apis/shadow/')) && isMissingApi(answer);
    },
  });
  using kubeconfig = writeTemporaryKubeconfig({ server: endpoint.url, namespace: target.namespace });
  const server = target.target.getCurrentCluster()?.server ?? '';
  const cache = discoveryCache({ folder: kubeconfig.folder, endpoint: endpoint.url, server, env });
  const code = await runProgram({
    program,
    args: rest,
    env: { ...env, KUBECONFIG: kubeconfig.path, KUBECACHEDIR: cache },
    signal: stop.signal,
    onOutput,
  });
  if (isMissing && code !== 0) {
    if (!wantsChild) throw noTemplates(server, code);
    // The child itself may have answered like that.
    const [{ selectParent }, { KubeClient }] = await Promise.all([
      import('../parent/selectParent.ts'),
      import('@clusternet/client'),
    ]);
    await using parent = await KubeClient.fromClientNode((await selectParent(split.parent)).config);
    await checkTunnels(parent);
  }
  if (!unreachable) return code;
  throw new CliError(`cannot reach ${server}: ${reasonOf(unreachable)}`, {
    cause: unreachable,
  });
}

function checkTemplateCommand({ command = '', rest, child }: SplitArguments): void {
  const flag = Object.entries(child).find(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== undefined))?.[0];
  if (flag !== undefined) {
    throw new UsageError(
      '--child-kubeconfig, --child-context and --clusternet-as* say as whom to act in a child: name it with --cluster-id',
    );
  }
  if (Object.hasOwn(childCommands, command)) {
    throw new UsageError(
      `"${command}" needs a running cluster, and templates run nowhere: name a child with --cluster-id NAME (see "kubectl clusternet clusters")`,
    );
  }
  if (command === 'rollout' && rest[rest.indexOf('rollout') + 1] === 'status') {
    throw new UsageError(
      'templates do not roll out: see "kubectl clusternet status SUBSCRIPTION", or name a child with --cluster-id NAME',
    );
  }
}

async function help(o: { program: string; args: readonly string[]; env: NodeJS.ProcessEnv }): Promise<number> {
  let text = '';
  const code = await runProgram({ ...o, onOutput: (chunk) => (text += chunk) });
  process.stdout.write(text.replace(/\bkubectl (?=[a-z])/g, 'kubectl clusternet '));
  if (code === 0) process.stdout.write('\nWith --cluster-id NAME it acts in that child; see "kubectl clusternet --help".\n');
  return code;
}

/** The error of the network layer in words. */
function reasonOf(error: Error): string {
  const { code, errors } = error as Error & { code?: string; errors?: Error[] };
  const message = error.message || errors?.[0]?.message || code || 'the connection failed';
  switch (code) {
    case 'ECONNREFUSED':
      return `${message}: is the API server running and the address right?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${message}: check the server address and DNS`;
    default:
      return message;
  }
}
