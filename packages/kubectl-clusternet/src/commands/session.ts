// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';
import type { KubeConfig } from '@kubernetes/client-node';
import { type ParentFlags } from '../arguments.ts';
import { type Colours } from '../output/colours.ts';

/** Where a command prints to. */
export interface Output {
  write(text: string): void;
  /** For what is not the result. */
  note(text: string): void;
  colours: Colours;
  /** True for a terminal, which may be redrawn. */
  isTerminal: boolean;
}

/** What a command works with. */
export interface Session {
  client: KubeClient;
  /** The parent and the login to it, for what is not the client's work. */
  config: KubeConfig;
  /** Namespace of the context, or the one asked for. */
  namespace: string;
  output: Output;
  /** Milliseconds since 1970. */
  now: () => number;
  signal: AbortSignal;
}

/** Connects to the parent that the flags choose, for the time of `work`. */
export async function withSession<T>(
  o: { flags: ParentFlags; namespace?: string; output: Output; signal: AbortSignal },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const [{ KubeClient }, { selectParent }, { tellingOfNoHub }] = await Promise.all([
    import('@clusternet/client'),
    import('../parent/selectParent.ts'),
    import('../missingApi.ts'),
  ]);
  const { config, namespace } = await selectParent(o.flags);
  await using client = await KubeClient.fromClientNode(config, { userAgent: 'kubectl-clusternet' });
  const { output, signal } = o;
  const session = { client, config, namespace: o.namespace ?? namespace, output, signal, now: Date.now };
  return await tellingOfNoHub(client, () => work(session));
}
