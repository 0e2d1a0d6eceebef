// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createdBy, labels, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type Change, Informer, type Logger } from '@clusternet/runtime';
import { type KubeClient, objectKey, type ObjectRef } from '@clusternet/client';
import { resourceKey } from './childApi.ts';
import { toLiveObject } from './liveObject.ts';

/** A change of an object that carries our label in the child. */
export type LiveChange = (definition: ResourceDefinition, change: Change<KubeObject>) => void;

/** A watch has begun; `isThere` tells which objects it began with. */
export type WatchBegun = (definition: ResourceDefinition, isThere: (ref: ObjectRef) => boolean) => void;

/**
 * Watches what was deployed in the child: one watch per resource, shared by all Descriptions, started with its first
 * object and stopped after its last.
 */
export class LiveWatches {
  readonly #child: KubeClient;
  readonly #logger: Logger;
  readonly #content: boolean;
  readonly #onChange: LiveChange;
  readonly #onBegun: WatchBegun;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #closed = false;

  /** `content`: also tell changes of what is not status, for recovery. */
  constructor(o: { child: KubeClient; logger: Logger; content: boolean; onChange: LiveChange; onBegun: WatchBegun }) {
    this.#child = o.child;
    this.#logger = o.logger;
    this.#content = o.content;
    this.#onChange = o.onChange;
    this.#onBegun = o.onBegun;
  }

  /** Watches exactly these resources from now on. */
  async set(definitions: Iterable<ResourceDefinition>): Promise<void> {
    if (!this.#closed) await this.#watch(definitions);
  }

  /** Ends all watches. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#watch([]);
  }

  async #watch(definitions: Iterable<ResourceDefinition>): Promise<void> {
    const wanted = new Map([...definitions].map((definition) => [resourceKey(definition), definition]));
    for (const [key, definition] of wanted) if (!this.#informers.has(key)) this.#informers.set(key, this.#start(definition));
    const unused = [...this.#informers].filter(([key]) => !wanted.has(key));
    for (const [key] of unused) this.#informers.delete(key);
    await Promise.all(unused.map(([, informer]) => informer.close()));
  }

  #start(definition: ResourceDefinition): Informer<KubeObject> {
    const informer = new Informer<KubeObject>({
      client: this.#child,
      resource: definition,
      labelSelector: `${labels.createdBy}=${createdBy.hub}`,
      transform: (object) => toLiveObject(object, this.#content),
      logger: this.#logger,
    });
    informer.onChange((change) => this.#onChange(definition, change));
    informer.start();
    informer.waitForSync().then(
      () => this.#onBegun(definition, (ref) => informer.get(objectKey(ref)) !== undefined),
      // Closed before it began.
      () => undefined,
    );
    return informer;
  }
}
