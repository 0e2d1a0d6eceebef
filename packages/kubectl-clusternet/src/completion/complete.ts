// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';
import { splitArguments, type SplitArguments, takenFlags } from '../arguments.ts';
import { positional, rolloutActions } from '../commands/rollout/isRollout.ts';
import { childCommands, isKubectlCommand, templateCommands } from '../kubectl/commands.ts';
import { ownCommands } from '../ownCommands.ts';

/** What a shell does with the words it is given; sums of powers of two, as kubectl's own completion has them. */
const directives = { default: 0, noFiles: 4 } as const;

interface Completion {
  words: string[];
  directive: number;
}

/**
 * Completes the last of the words, which may be empty, in the form that kubectl asks of the completion of its plugins: one candidate on each
 * line, and a directive at the end. Never fails: what cannot be found out is not offered.
 */
export async function complete(words: readonly string[]): Promise<string> {
  try {
    const { words: found, directive } = await candidates(words);
    return `${found.map((word) => `${word}\n`).join('')}:${directive}\n`;
  } catch {
    return `:${directives.default}\n`;
  }
}

async function candidates(words: readonly string[]): Promise<Completion> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const previous = before.at(-1) ?? '';
  // In a rollout, it names a child.
  const flag = previous === '--cluster' && before.includes('rollout') ? '--cluster-id' : previous;
  if (takenFlags.includes(flag)) return flagValue(flag, last, before.slice(0, -1));
  const glued = /^(--[a-z-]+)=(.*)$/.exec(last);
  if (glued?.[1] !== undefined && takenFlags.includes(glued[1])) {
    const { words: values, directive } = await flagValue(glued[1], glued[2] ?? '', before);
    return { words: values.map((value) => `${glued[1]}=${value}`), directive };
  }
  const split = splitArguments(before);
  const { command } = split;
  if (command === undefined || (command === 'help' && previous === 'help')) {
    const all = { ...templateCommands, ...childCommands, ...ownCommands };
    const fitting = Object.entries(all).filter(([name]) => name.startsWith(last));
    return { words: [...fitting.map(([name, what]) => `${name}\t${what}`), ...flagsLike(last)], directive: directives.noFiles };
  }
  const namesChild = split.child.cluster !== undefined || split.child.kubeconfig !== undefined;
  const isRestart = command === 'rollout' && split.rest.includes('restart');
  const isOwn = Object.hasOwn(ownCommands, command) && !namesChild && !isRestart;
  return isKubectlCommand(command) && !isOwn ? ofKubectl(split, last) : ofOwnCommand(split, last);
}

function flagsLike(start: string): string[] {
  return start.startsWith('-') ? takenFlags.filter((flag) => flag.startsWith(start)) : [];
}

async function flagValue(flag: string, start: string, before: readonly string[]): Promise<Completion> {
  if (flag === '--cluster-id') return { words: await clusterNames(before, start), directive: directives.noFiles };
  if (flag === '--context' || flag === '--cluster' || flag === '--user') {
    const { readKubeConfig } = await import('@clusternet/client');
    const { config } = await readKubeConfig(splitArguments(before).parent.kubeconfig);
    const lists = { '--context': config.contexts, '--cluster': config.clusters, '--user': config.users };
    return { words: lists[flag].map(({ name }) => name).filter((name) => name.startsWith(start)), directive: directives.noFiles };
  }
  return { words: [], directive: /kubeconfig|certificate|key/.test(flag) ? directives.default : directives.noFiles };
}

/** kubectl knows best, and looks at the same objects as the command will. */
async function ofKubectl(split: SplitArguments, last: string): Promise<Completion> {
  const { runKubectl } = await import('../kubectl/runKubectl.ts');
  let text = '';
  await runKubectl({ split: { ...split, rest: ['__complete', ...split.rest, last] }, onOutput: (chunk) => (text += chunk) });
  const lines = text.split('\n').filter((line) => line !== '');
  const directive = Number(/^:(\d+)$/.exec(lines.at(-1) ?? '')?.[1] ?? directives.default);
  const child = flagsLike(last).filter(
    (flag) => flag.startsWith('--cluster-id') || flag.startsWith('--child') || flag.startsWith('--clusternet'),
  );
  return { words: [...lines.filter((line) => !line.startsWith(':')), ...child], directive };
}

const ownFlags: Readonly<Record<string, readonly string[]>> = {
  clusters: ['--output', '--selector'],
  visit: ['--namespace', '--shell', '--write'],
  status: ['--namespace', '--output', '--watch'],
  rollout: ['--namespace', '--cluster', '--revision', '--to-revision'],
  drain: ['--timeout', '--no-wait'],
  preview: ['--namespace', '--filename', '--recursive', '--offline', '--output'],
  'join-command': ['--ttl', '--cluster-name', '--cluster-labels', '--sync-mode', '--parent-url', '--chart', '--output'],
  doctor: ['--system-namespace', '--output'],
  version: ['--output'],
};

/** What `-o` takes, where it is more than JSON and YAML. */
const ownFormats: Readonly<Record<string, readonly string[]>> = { clusters: ['json', 'yaml', 'wide', 'name'] };

async function ofOwnCommand(split: SplitArguments, last: string): Promise<Completion> {
  const { command = '', rest } = split;
  const noFiles = directives.noFiles;
  const fitting = (words: readonly string[]): string[] => words.filter((word) => word.startsWith(last));
  if (last.startsWith('-')) return { words: [...fitting(ownFlags[command] ?? []), ...flagsLike(last)], directive: noFiles };
  const previous = rest.at(-1);
  if (previous === '-o' || previous === '--output')
    return { words: fitting(ownFormats[command] ?? ['json', 'yaml']), directive: noFiles };
  if (previous === '-n' || previous === '--namespace') {
    const { core } = await import('@clusternet/client');
    return { words: fitting(await namesOf(split, core.namespaces)), directive: noFiles };
  }
  if (command === 'preview') return { words: [], directive: directives.default };
  if (previous === '--write' || previous === '--chart') return { words: [], directive: directives.default };
  if (previous === '--sync-mode') return { words: fitting(['Push', 'Pull', 'Dual']), directive: noFiles };
  if (command === 'completion') return { words: fitting(['bash', 'zsh', 'fish']), directive: noFiles };
  if (command === 'clusters') {
    const verbs = rest.length === 1 ? ['describe', 'health', 'list'] : [];
    return { words: fitting([...verbs, ...(await clusterNames(rest, last, split))]), directive: noFiles };
  }
  if (['visit', 'cordon', 'uncordon', 'drain'].includes(command))
    return { words: fitting(await clusterNames(rest, last, split)), directive: noFiles };
  if (command === 'status' || command === 'rollout') return { words: fitting(await ofSubscription(split)), directive: noFiles };
  if (command === 'approve' || command === 'deny') return { words: fitting(await requestNames(split)), directive: noFiles };
  return { words: [], directive: noFiles };
}

/** A rollout has its action first; both have one Subscription. */
async function ofSubscription(split: SplitArguments): Promise<readonly string[]> {
  const words = positional(split.rest).slice(1);
  if (split.command === 'rollout' && words.length === 0) return [...rolloutActions, 'restart'];
  return words.length > (split.command === 'rollout' ? 1 : 0) ? [] : subscriptionNames(split);
}

async function clusterNames(before: readonly string[], start: string, split = splitArguments(before)): Promise<string[]> {
  const { resources } = await import('@clusternet/api-types');
  return (await namesOf(split, resources.managedClusters)).filter((name) => name.startsWith(start));
}

async function subscriptionNames(split: SplitArguments): Promise<string[]> {
  const { resources } = await import('@clusternet/api-types');
  const at = split.rest.findIndex((word) => word === '-n' || word === '--namespace');
  return namesOf(split, resources.subscriptions, at < 0 ? undefined : split.rest[at + 1]);
}

async function requestNames(split: SplitArguments): Promise<string[]> {
  const { resources } = await import('@clusternet/api-types');
  return namesOf(split, resources.clusterRegistrationRequests);
}

async function namesOf(split: SplitArguments, definition: ResourceDefinition, namespace?: string): Promise<string[]> {
  const [{ KubeClient }, { selectParent }] = await Promise.all([
    import('@clusternet/client'),
    import('../parent/selectParent.ts'),
  ]);
  const parent = await selectParent(split.parent);
  await using client = await KubeClient.fromClientNode(parent.config);
  const isScoped = definition.kind === 'Subscription';
  const { items } = await client.resource(definition).list({
    namespace: isScoped ? (namespace ?? parent.namespace) : undefined,
    timeoutMs: 3_000,
  });
  return items.map(({ metadata }) => metadata.name ?? '').sort();
}
