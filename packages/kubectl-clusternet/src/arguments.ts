// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { UsageError } from './errors.ts';

/** kubectl's flags that choose the parent and the login to it. */
export interface ParentFlags {
  kubeconfig?: string;
  context?: string;
  cluster?: string;
  user?: string;
  server?: string;
  token?: string;
  username?: string;
  password?: string;
  tlsServerName?: string;
  certificateAuthority?: string;
  clientCertificate?: string;
  clientKey?: string;
  insecureSkipTlsVerify?: boolean;
  as?: string;
  asUid?: string;
  asGroups: string[];
  asUserExtra: string[];
}

/** Flags that choose a child, and as whom to act in it. */
export interface ChildFlags {
  cluster?: string;
  kubeconfig?: string;
  context?: string;
  as?: string;
  asUid?: string;
  asGroups: string[];
}

/** A command line taken apart. */
export interface SplitArguments {
  parent: ParentFlags;
  child: ChildFlags;
  /** Everything else, in its order. */
  rest: string[];
  /** The first word that is no flag. */
  command?: string;
}

type Setter = (o: SplitArguments, value: string) => void;

const text =
  (key: Exclude<keyof ParentFlags, 'asGroups' | 'asUserExtra' | 'insecureSkipTlsVerify'>): Setter =>
  (o, value) =>
    void (o.parent[key] = value);
const childText =
  (key: Exclude<keyof ChildFlags, 'asGroups'>): Setter =>
  (o, value) =>
    void (o.child[key] = value);

const parentFlags: Record<string, Setter> = {
  '--kubeconfig': text('kubeconfig'),
  '--context': text('context'),
  '--cluster': text('cluster'),
  '--user': text('user'),
  '--server': text('server'),
  '--token': text('token'),
  '--username': text('username'),
  '--password': text('password'),
  '--tls-server-name': text('tlsServerName'),
  '--certificate-authority': text('certificateAuthority'),
  '--client-certificate': text('clientCertificate'),
  '--client-key': text('clientKey'),
  '--as': text('as'),
  '--as-uid': text('asUid'),
  '--as-group': (o, value) => void o.parent.asGroups.push(value),
  '--as-user-extra': (o, value) => void o.parent.asUserExtra.push(value),
};

const childFlags: Record<string, Setter> = {
  '--cluster-id': childText('cluster'),
  '--child-kubeconfig': childText('kubeconfig'),
  '--child-context': childText('context'),
  '--clusternet-as': childText('as'),
  '--clusternet-as-uid': childText('asUid'),
  '--clusternet-as-group': (o, value) => void o.child.asGroups.push(value),
};

const setters = { ...parentFlags, ...childFlags };

/** The names of the flags taken here that have a value. */
export const takenFlags: readonly string[] = Object.keys(setters);

/** Flags of kubectl that make sense without a command, which only prints help then. */
const passedAlone = new Set(['-h', '--help', '--warnings-as-errors', '--match-server-version', '--disable-compression']);

/** The first flag that is none of those which all commands take. */
export function strangeFlag({ rest }: SplitArguments): string | undefined {
  const flags = rest.filter((word) => /^-./.test(word) && word !== '--').map((word) => parseFlag(word).name);
  return flags.find((name) => !passedAlone.has(name) && !passedWithValue.has(name) && !/^-[nv]./.test(name));
}

/** Flags of kubectl that stay and whose value may be a word of its own, which is then no command. */
const passedWithValue = new Set([
  '-n',
  '--namespace',
  '-v',
  '--v',
  '--vmodule',
  '--request-timeout',
  '--cache-dir',
  '--profile',
  '--profile-output',
  '--log-flush-frequency',
  '--kuberc',
  '-o',
  '--output',
]);

/** Commands with a flag `--user` of their own, for somebody who is to get rights. */
const withOwnUser: readonly (readonly [string, RegExp])[] = [
  ['create', /^(?:cluster)?rolebindings?$/],
  ['set', /^subject$/],
];

/**
 * Takes the flags that choose parent and child out of a command line, wherever they stand before `--`.
 *
 * @throws UsageError for a flag without its value
 */
export function splitArguments(argv: readonly string[]): SplitArguments {
  const result: SplitArguments = { parent: { asGroups: [], asUserExtra: [] }, child: { asGroups: [] }, rest: [] };
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  const ownUser = withOwnUser.some(([command, what]) => words.includes(command) && words.some((word) => what.test(word)));
  const own = new Set(ownUser ? ['--user'] : []);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const { name, value } = parseFlag(word);
    if (name === '--insecure-skip-tls-verify') {
      result.parent.insecureSkipTlsVerify = value === undefined || value === 'true';
      continue;
    }
    const set = own.has(name) ? undefined : setters[name];
    if (set) {
      const given = value ?? words[++at];
      if (given === undefined) throw new UsageError(`flag needs an argument: ${name}`);
      set(result, given);
      continue;
    }
    result.rest.push(word);
    if (passedWithValue.has(name) && value === undefined) {
      const next = words[++at];
      if (next !== undefined) result.rest.push(next);
    } else if (!word.startsWith('-')) result.command ??= word;
  }
  if (end >= 0) result.rest.push(...argv.slice(end));
  return result;
}

function parseFlag(word: string): { name: string; value?: string } {
  if (word === '-s') return { name: '--server' };
  // The one short flag among them, whose value may be glued to it.
  if (/^-s=?[^-]/.test(word)) return { name: '--server', value: word.replace(/^-s=?/, '') };
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? { name: word } : { name: word.slice(0, at), value: word.slice(at + 1) };
}
