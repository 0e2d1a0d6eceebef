// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type Base, createdBy, fieldManagers, type KubeObject, labels } from '@clusternet/api-types';
import { core, isAlreadyExists, type KubeClient, objectKey } from '@clusternet/client';
import { type Logger } from '@clusternet/runtime';
import { decodeRevision, encodeRevision, type HistoryEntry, type RenderedContent } from '../rollout/revision.ts';

/** Options of {@link RevisionStore}. */
export interface RevisionStoreOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Where they are kept. Not where the Subscription is: who may look around there is not to see the Secrets that it feeds. */
  namespace: string;
  /** Revisions kept per Base beside the one that is deployed. */
  limit: number;
  logger: Logger;
  now: () => Date;
}

interface StoredRevision extends KubeObject {
  revision: number;
  data?: unknown;
}

/** One that no Description lists is kept this long: the Description may be about to be written. */
const graceMs = 10 * 60_000;

/**
 * Keeps what was rendered before, as ControllerRevisions. Clusters that had the same share one, so that a change costs one write however many
 * clusters there are; which cluster had what is in the history that each Description carries. Written before the Description is: a crash
 * between the two leaves one that nobody lists, which {@link RevisionStore.sweep} takes away.
 */
export class RevisionStore {
  readonly #o: RevisionStoreOptions;
  /** Known to be stored or being stored, by name. */
  readonly #kept = new Map<string, { stored: Promise<boolean>; neededAt: number }>();
  /** Being deleted, by name. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(options: RevisionStoreOptions) {
    this.#o = options;
  }

  /** Stores what a Base had, and returns its history with it. */
  async add(
    base: Base,
    o: { revision: number; content: RenderedContent; history: readonly HistoryEntry[]; signal: AbortSignal },
  ): Promise<readonly HistoryEntry[]> {
    const { revision, history } = o;
    if (history.some((entry) => entry.revision === revision)) return history;
    const name = revisionName(base, o.content);
    // One that is too large is listed all the same: whoever goes back to it must not get the one before.
    const kept = (await this.#keep(base, { ...o, name })) ? { kept: name } : {};
    return [...history, { revision, replacedAt: this.#o.now().toISOString(), ...kept }].slice(-this.#o.limit);
  }

  /** What a cluster had when this revision was the newest; undefined when that is not kept. */
  async find(
    history: readonly HistoryEntry[],
    o: { revision: number; signal: AbortSignal },
  ): Promise<RenderedContent | undefined> {
    const entry = history.filter((one) => one.revision <= o.revision).at(-1);
    if (entry?.kept === undefined) return undefined;
    const stored = await this.#client.find({ name: entry.kept, namespace: this.#o.namespace }, { signal: o.signal });
    return stored && decodeRevision(stored.data);
  }

  /** Takes away what no history lists any longer. */
  async sweep(listed: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { namespace } = this.#o;
    const { items } = await this.#client.listMetadata({ namespace, labelSelector: labels.subsUid, signal });
    for (const { metadata } of items) {
      const { name, uid, creationTimestamp } = metadata;
      const limit = this.#o.now().getTime() - graceMs;
      const needed = Math.max(Date.parse(String(creationTimestamp)), this.#kept.get(name)?.neededAt ?? 0);
      if (listed.has(name) || needed > limit) continue;
      this.#kept.delete(name);
      const left = this.#client.delete({ name, namespace }, { preconditions: { uid }, signal });
      this.#leaving.set(
        name,
        left.then(
          () => undefined,
          () => undefined,
        ),
      );
      try {
        await left;
      } finally {
        this.#leaving.delete(name);
      }
    }
  }

  async #keep(
    base: Base,
    o: { name: string; revision: number; content: RenderedContent; signal: AbortSignal },
  ): Promise<boolean> {
    await this.#leaving.get(o.name);
    const known = this.#kept.get(o.name) ?? { stored: this.#create(base, o), neededAt: 0 };
    known.neededAt = this.#o.now().getTime();
    this.#kept.set(o.name, known);
    try {
      return await known.stored;
    } catch (error) {
      this.#kept.delete(o.name);
      throw error;
    }
  }

  async #create(
    base: Base,
    o: { name: string; revision: number; content: RenderedContent; signal: AbortSignal },
  ): Promise<boolean> {
    const data = encodeRevision(o.content);
    if (data === undefined) {
      this.#o.logger.warn('revision is too large to be kept', { base: objectKey(base), revision: o.revision });
      return false;
    }
    const inherited = [labels.subsName, labels.subsNamespace, labels.subsUid].flatMap((key) => {
      const value = base.metadata.labels?.[key];
      return value === undefined ? [] : [[key, value] as const];
    });
    const revision: StoredRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: o.name,
        namespace: this.#o.namespace,
        labels: { [labels.createdBy]: createdBy.controllerManager, ...Object.fromEntries(inherited) },
      },
      revision: o.revision,
      data,
    };
    try {
      await this.#client.create(revision, { fieldManager: fieldManagers.overrideEngine, signal: o.signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return true;
  }

  get #client() {
    return this.#o.client.resource<StoredRevision>(core.controllerRevisions);
  }
}

/** Name of the ControllerRevision for what the clusters of a Subscription had: the same name for the same content. */
function revisionName({ metadata }: Base, content: RenderedContent): string {
  const hash = createHash('sha256').update(metadata.labels?.[labels.subsUid] ?? '');
  for (const [key, raw] of [...content].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`\0${key}\0${raw}`);
  return `${metadata.name.slice(0, 200)}-${hash.digest('hex').slice(0, 24)}`;
}
