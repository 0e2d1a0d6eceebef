// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { Informer, type Logger, type Metrics } from '@clusternet/runtime';

/** Tells which namespaces of the parent take objects. */
export class ParentNamespaces {
  readonly #informer: Informer<KubeObject>;

  constructor(o: { client: KubeClient; logger: Logger; metrics: Metrics }) {
    this.#informer = new Informer({ ...o, resource: core.namespaces, transform: slim });
  }

  async start(signal?: AbortSignal): Promise<void> {
    this.#informer.start();
    await this.#informer.waitForSync(signal);
  }

  close(): Promise<void> {
    return this.#informer.close();
  }

  has(name: string): boolean {
    const namespace = this.#informer.get(name);
    return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
  }
}

function slim({ apiVersion, kind, metadata: { name, uid, resourceVersion, deletionTimestamp } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, uid, resourceVersion, ...(deletionTimestamp && { deletionTimestamp }) } };
}
