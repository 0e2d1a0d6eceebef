// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from 'node:timers/promises';
import { type KubeObject, labels, type ResourceDefinition, resources } from '@clusternet/api-types';
import { ClientClosedError } from '@clusternet/client';
import { CliError, UsageError } from '../../errors.ts';
import { type OutputFormat } from '../../output/print.ts';
import { type Session } from '../session.ts';
import { fetchSnapshot } from './fetch.ts';
import { renderTree } from './render.ts';
import { buildTree } from './tree.ts';

/** Options of {@link status}. */
export interface StatusOptions {
  name: string;
  output?: OutputFormat;
  /** Go on showing changes until interrupted, or until the Subscription is gone. */
  watch?: boolean;
}

/** Changes that come together are shown together. */
const settleMs = 200;
/** Shown again after this even without a change: times go on. */
const refreshMs = 10_000;
const clearScreen = '\x1b[H\x1b[2J\x1b[3J';

/** Shows what became of a Subscription, once or live. */
export async function status(session: Session, o: StatusOptions): Promise<number> {
  const { output } = session;
  if (o.output === 'name' || o.output === 'wide') throw new UsageError('"status" prints a tree; -o takes json or yaml');
  let shown = '';
  let changes: Changes | undefined;
  try {
    for (;;) {
      const snapshot = await fetchSnapshot(session.client, { namespace: session.namespace, name: o.name });
      if (!snapshot) {
        if (shown !== '') {
          output.note(`Subscription ${session.namespace}/${o.name} is gone.`);
          return 0;
        }
        throw new CliError(
          `there is no Subscription "${o.name}" in namespace "${session.namespace}"; is it in another one (-n)?`,
        );
      }
      const tree = buildTree(snapshot);
      const text = await printed(tree, session, o.output);
      if (!o.watch) {
        output.write(text);
        return 0;
      }
      if (output.isTerminal && o.output === undefined) output.write(clearScreen + text);
      // Without a terminal, what differs by the passing of time alone is no news.
      else if (JSON.stringify(tree) !== shown) output.write(shown === '' ? text : `---\n${text}`);
      shown = JSON.stringify(tree);
      changes ??= new Changes(session, snapshot.subscription.metadata.uid ?? '', o.name);
      await changes.next();
      if (session.signal.aborted) return 130;
    }
  } finally {
    changes?.stop();
  }
}

async function printed(tree: ReturnType<typeof buildTree>, session: Session, format: OutputFormat): Promise<string> {
  if (format === 'json') return `${JSON.stringify(tree, undefined, 2)}\n`;
  if (format === 'yaml') return (await import('yaml')).stringify(tree, { aliasDuplicateObjects: false });
  return renderTree(tree, { now: session.now(), colours: session.output.colours });
}

/** Tells when something of a Subscription changed. */
class Changes {
  readonly #session: Session;
  readonly #stop = new AbortController();
  #wake: (() => void) | undefined;
  #changed = false;

  constructor(session: Session, uid: string, name: string) {
    this.#session = session;
    const bySubscription = { labelSelector: `${labels.subsUid}=${uid}` };
    void this.#follow(resources.subscriptions, { namespace: session.namespace, fieldSelector: `metadata.name=${name}` });
    void this.#follow(resources.bases, bySubscription);
    void this.#follow(resources.descriptions, bySubscription);
    session.signal.addEventListener('abort', () => this.stop());
  }

  /** Waits for a change, or until it is time to look again anyway. */
  async next(): Promise<void> {
    if (!this.#changed) {
      const wait = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        delay(refreshMs, undefined, { signal: wait.signal }).catch(() => undefined),
      ]);
      wait.abort();
    }
    if (!this.#stop.signal.aborted) await delay(settleMs);
    this.#changed = false;
  }

  stop(): void {
    this.#stop.abort();
    this.#wake?.();
  }

  async #follow(
    definition: ResourceDefinition,
    o: { namespace?: string; labelSelector?: string; fieldSelector?: string },
  ): Promise<void> {
    const { signal } = this.#stop;
    const resource = this.#session.client.resource<KubeObject>(definition);
    while (!signal.aborted) {
      try {
        for await (const { type } of resource.watch({ ...o, signal })) {
          if (type === 'BOOKMARK') continue;
          this.#changed = true;
          this.#wake?.();
        }
      } catch (error) {
        // What may not be watched is still looked at every few seconds.
        if (error instanceof ClientClosedError) return;
        await delay(refreshMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
