// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { ApiError, type KubeClient } from '@clusternet/client';

/** Secrets in memory, as much of a client as one that keeps a single Secret needs. */
export class FakeSecrets {
  readonly stored = new Map<string, KubeObject>();
  /** Verbs, in order. */
  readonly log: string[] = [];
  /** Thrown by every request instead of an answer. */
  refusal: ApiError | undefined;
  #uid = 0;

  /** The client. */
  readonly client = {
    resource: () => ({
      find: (ref: Ref) => this.#ask('find', () => this.stored.get(keyOf(ref))),
      apply: (object: KubeObject) =>
        this.#ask('apply', () => {
          const uid = this.stored.get(keyOf(object.metadata))?.metadata.uid ?? `uid-${++this.#uid}`;
          this.stored.set(keyOf(object.metadata), { ...object, metadata: { ...object.metadata, uid } });
        }),
      delete: (ref: Ref, o?: { preconditions?: { uid?: string } }) =>
        this.#ask('delete', () => {
          const uid = this.stored.get(keyOf(ref))?.metadata.uid;
          if (o?.preconditions?.uid !== uid) throw new ApiError('conflict', { status: 409, reason: 'Conflict' });
          this.stored.delete(keyOf(ref));
        }),
    }),
  } as unknown as Pick<KubeClient, 'resource'>;

  /** A value of a Secret, as text. */
  value(ref: Ref, key: string): string | undefined {
    const data = this.stored.get(keyOf(ref))?.['data'] as Record<string, string> | undefined;
    return data?.[key] === undefined ? undefined : Buffer.from(data[key], 'base64').toString('utf8');
  }

  async #ask<T>(verb: string, answer: () => T): Promise<T> {
    this.log.push(verb);
    await Promise.resolve();
    if (this.refusal) throw this.refusal;
    return structuredClone(answer());
  }
}

interface Ref {
  namespace?: string;
  name?: string;
}

function keyOf({ namespace, name }: Ref): string {
  return `${namespace}/${name}`;
}
