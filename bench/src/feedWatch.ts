// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';

/** Follows the ConfigMaps `cm-*` of one namespace in one child and tells when they are as somebody waits for. */
export class FeedWatch {
  readonly #byName = new Map<string, string>();
  readonly #abort = new AbortController();
  #changed = Promise.withResolvers<void>();
  #done: Promise<void> = Promise.resolve();

  static async start(child: KubeClient, namespace: string): Promise<FeedWatch> {
    const watch = new FeedWatch();
    const configMaps = child.resource(core.configMaps);
    const { metadata } = await configMaps.list({ namespace });
    watch.#done = watch.#follow(
      configMaps.watch({ namespace, resourceVersion: metadata.resourceVersion, signal: watch.#abort.signal }),
    );
    return watch;
  }

  async until(reached: (revisionByName: ReadonlyMap<string, string>) => boolean): Promise<void> {
    while (!reached(this.#byName)) await this.#changed.promise;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #follow(events: AsyncIterable<{ type: string; object: KubeObject }>): Promise<void> {
    try {
      for await (const { type, object } of events) {
        const name = object.metadata.name ?? '';
        if (type === 'BOOKMARK' || !name.startsWith('cm-')) continue;
        if (type === 'DELETED') this.#byName.delete(name);
        else this.#byName.set(name, (object['data'] as { revision?: string } | undefined)?.revision ?? '');
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }
}
