// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type Base, createdBy, fieldManagers, type KubeObject, labels, resources } from '@clusternet/api-types';
import { core, isAlreadyExists, type KubeClient, objectKey } from '@clusternet/client';
import { type Logger } from '@clusternet/runtime';
import { decodeRevision, encodeRevision, type RenderedContent } from '../rollout/revision.ts';

/** Options of {@link RevisionStore}. */
export interface RevisionStoreOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Revisions kept per Base beside the one that is deployed. */
  limit: number;
  logger: Logger;
}

interface StoredRevision extends KubeObject {
  revision: number;
  data?: unknown;
}

/** Longest value of a label. */
const maxLabel = 63;

/**
 * Keeps what was rendered for a Base before, as ControllerRevisions beside it, which go with it. One write per change, before the Description is
 * written: a crash between the two keeps a revision that is still deployed, and nothing is lost.
 */
export class RevisionStore {
  readonly #o: RevisionStoreOptions;
  /** Numbers of the stored revisions, by uid of the Base. */
  readonly #known = new Map<string, number[]>();

  constructor(options: RevisionStoreOptions) {
    this.#o = options;
  }

  /** Stores one and drops those beyond the limit. */
  async store(base: Base, o: { revision: number; content: RenderedContent; signal: AbortSignal }): Promise<void> {
    const numbers = await this.#numbersOf(base, o.signal);
    if (numbers.includes(o.revision)) return;
    const data = encodeRevision(o.content);
    if (data === undefined) {
      this.#o.logger.warn('revision is too large to be kept', { base: objectKey(base), revision: o.revision });
      return;
    }
    try {
      await this.#client.create(revisionOf(base, { revision: o.revision, data }), {
        fieldManager: fieldManagers.overrideEngine,
        signal: o.signal,
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    numbers.push(o.revision);
    numbers.sort((a, b) => a - b);
    while (numbers.length > this.#o.limit) {
      const [oldest = 0] = numbers;
      await this.#client.delete(
        { name: revisionName(base, oldest), namespace: base.metadata.namespace },
        { propagationPolicy: 'Background', signal: o.signal },
      );
      numbers.shift();
    }
  }

  /** What the Base had when this revision was the newest; undefined when that is not kept. */
  async find(base: Base, o: { revision: number; signal: AbortSignal }): Promise<RenderedContent | undefined> {
    const numbers = await this.#numbersOf(base, o.signal);
    const number = numbers.filter((one) => one <= o.revision).at(-1);
    if (number === undefined) return undefined;
    const ref = { name: revisionName(base, number), namespace: base.metadata.namespace };
    const stored = await this.#client.find(ref, { signal: o.signal });
    return stored && decodeRevision(stored.data);
  }

  /** Forgets a Base that is gone. */
  forget({ metadata: { uid = '' } }: Base): void {
    this.#known.delete(uid);
  }

  async #numbersOf({ metadata: { uid = '', namespace } }: Base, signal: AbortSignal): Promise<number[]> {
    const known = this.#known.get(uid);
    if (known) return known;
    const { items } = await this.#client.list({ namespace, labelSelector: `${labels.configUid}=${uid}`, signal });
    const numbers = items.map(({ revision }) => revision).sort((a, b) => a - b);
    this.#known.set(uid, numbers);
    return numbers;
  }

  get #client() {
    return this.#o.client.resource<StoredRevision>(core.controllerRevisions);
  }
}

/** Name of the ControllerRevision that keeps one revision of a Base. */
export function revisionName(base: Base, revision: number): string {
  return `${base.metadata.name.slice(0, 230)}-r${revision}`;
}

function revisionOf(base: Base, { revision, data }: { revision: number; data: object }): StoredRevision {
  const { name, namespace, uid = '' } = base.metadata;
  const taken = [labels.subsName, labels.subsNamespace, labels.subsUid, labels.clusterId, labels.clusterName];
  const inherited = taken.flatMap((key) => {
    const value = base.metadata.labels?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: revisionName(base, revision),
      namespace,
      labels: {
        [labels.createdBy]: createdBy.controllerManager,
        [labels.configKind]: resources.bases.kind,
        ...(name.length <= maxLabel ? { [labels.configName]: name } : {}),
        [labels.configUid]: uid,
        ...Object.fromEntries(inherited),
      },
      ownerReferences: [{ apiVersion: apiVersionOf(resources.bases), kind: resources.bases.kind, name, uid }],
    },
    revision,
    data,
  };
}
