// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { json } from 'node:stream/consumers';
import { type SplitArguments } from '../arguments.ts';
import { CliError, UsageError } from '../errors.ts';
import { checkTunnels, failForTemplates, isMissingApi } from '../missingApi.ts';
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
  let refusal: Promise<string | undefined> | undefined;
  await using endpoint = await startEndpoint({
    ...target,
    onUnreachable: (error) => {
      // What kubectl would say of its own endpoint helps nobody.
      unreachable = error;
      stop.abort();
    },
    onAnswer: (path, answer) => {
      isMissing ||= (wantsChild || path.includes('/apis/shadow/')) && isMissingApi(answer);
      // kubectl does not tell what it is told when it asks for the kinds.
      if (wantsChild && (answer.statusCode ?? 0) >= 400 && /\/apis?(?:\?|$)/.test(path)) refusal ??= messageOf(answer);
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
  // A deletion that waits, and whatever may be missing, ends well for kubectl where nothing is served at all.
  if (isMissing && (code !== 0 || !wantsChild)) {
    const [{ selectParent }, { KubeClient }] = await Promise.all([
      import('../parent/selectParent.ts'),
      import('@clusternet/client'),
    ]);
    await using parent = await KubeClient.fromClientNode((await selectParent(split.parent)).config);
    if (!wantsChild) await failForTemplates(parent, code);
    // The child itself may have answered like that.
    await checkTunnels(parent);
  }
  const reason = code === 0 ? undefined : await refusal;
  if (reason !== undefined) throw new CliError(`${split.child.cluster} cannot be visited: ${reason}`, { exitCode: code });
  if (!unreachable) return code;
  const { connectionTrouble, errorCode } = await import('@clusternet/client');
  // 1 of a diff would say that there are differences.
  const exitCode = split.command === 'diff' ? 2 : 1;
  throw new CliError(`cannot reach ${server}: ${connectionTrouble(errorCode(unreachable))}`, { exitCode, cause: unreachable });
}

function checkTemplateCommand(split: SplitArguments): void {
  const { command = '', child } = split;
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
  const needless = runningOnly(split);
  if (needless !== undefined) throw new UsageError(`${needless}, or name a child with --cluster-id NAME`);
}

/** What is wrong with a command for templates that only makes sense for what runs; kubectl would wait for it, or speak of it in riddles. */
function runningOnly({ command, rest }: SplitArguments): string | undefined {
  const end = rest.indexOf('--');
  const words = end < 0 ? rest : rest.slice(0, end);
  const next = command === undefined ? undefined : words[words.indexOf(command) + 1];
  if (command === 'rollout' && next === 'status') {
    return 'templates do not roll out: see "kubectl clusternet status SUBSCRIPTION"';
  }
  if (command === 'rollout' && (next === 'history' || next === 'undo')) {
    return `templates keep no revisions, Subscriptions do: see "kubectl clusternet rollout ${next} SUBSCRIPTION"`;
  }
  if (command === 'create' && next === 'token')
    return 'templates of ServiceAccounts have no tokens: look into a real one with kubectl';
  const attaches = words.some((word) => /^(?:-(?:i|t|it|ti)|--(?:stdin|tty|attach|rm))(?:=true)?$/.test(word));
  if (command === 'run' && attaches)
    return 'nobody can attach to a template, as it runs nowhere: leave -i, -t, --attach and --rm out';
  return undefined;
}

async function help(o: { program: string; args: readonly string[]; env: NodeJS.ProcessEnv }): Promise<number> {
  let text = '';
  const code = await runProgram({ ...o, onOutput: (chunk) => (text += chunk) });
  process.stdout.write(text.replace(/\bkubectl (?=[a-z])/g, 'kubectl clusternet '));
  if (code === 0) process.stdout.write('\nWith --cluster-id NAME it acts in that child; see "kubectl clusternet --help".\n');
  return code;
}

/** What an API server says of its refusal; read beside whom it is for. */
async function messageOf(answer: IncomingMessage): Promise<string | undefined> {
  const status = (await json(answer.pipe(new PassThrough())).catch(() => undefined)) as { message?: string } | undefined;
  return status?.message;
}
