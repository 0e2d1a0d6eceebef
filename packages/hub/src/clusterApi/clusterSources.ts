// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isNotFound, type KubeClient } from '@clusternet/client';
import { closeAll, guardedSignal, Informer, type Logger, type Metrics, sleep } from '@clusternet/runtime';
import { type CapiCluster, clusterApiGroup, clusterApiVersions, clusterDefinition } from './cluster.ts';

/** Clusters as they are now. */
export interface ClusterSource {
  /** The version they are read in; undefined while there is no Cluster API, or not everything is known. */
  readonly version: string | undefined;
  list(): CapiCluster[];
}

/** Options of {@link ClusterSources}. */
export interface ClusterSourcesOptions {
  /** Of the management cluster. */
  client: KubeClient;
  /** Namespaces that are looked at; all when empty. */
  namespaces: readonly string[];
  onChange: (cluster: CapiCluster) => void;
  /** Everything that there is is known now, or was looked at again. */
  onKnown: () => void;
  logger: Logger;
  metrics?: Metrics;
  signal?: AbortSignal;
}

const lookMs = 60_000;
const firstLookMs = 10_000;

/**
 * Follows the Cluster objects of Cluster API, which may be installed, upgraded or removed at any time: in the best version that is served and
 * understood.
 */
export class ClusterSources implements ClusterSource {
  readonly #o: ClusterSourcesOptions;
  readonly #stop = new AbortController();
  #informers: Informer<CapiCluster>[] = [];
  #version: string | undefined;
  #known = false;
  #running: Promise<void> | undefined;

  constructor(options: ClusterSourcesOptions) {
    this.#o = options;
  }

  get version(): string | undefined {
    return this.#known ? this.#version : undefined;
  }

  list(): CapiCluster[] {
    return this.#informers.flatMap((informer) => informer.list());
  }

  start(): void {
    const signal = guardedSignal([this.#stop.signal, this.#o.signal]);
    this.#running ??= this.#run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#o.logger.error('clusters of Cluster API are not followed any more', { error });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#leave();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { logger, onKnown } = this.#o;
    for (;;) {
      try {
        const version = await servedVersion(this.#o.client, signal);
        if (version !== this.#version) {
          await this.#leave();
          if (version !== undefined) await this.#follow(version, signal);
          else logger.info('Cluster API is not installed any more');
        }
        if (this.#known) onKnown();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('Cluster API was not found out about', { error });
      }
      await sleep(this.#known ? lookMs : firstLookMs, signal);
    }
  }

  async #follow(version: string, signal: AbortSignal): Promise<void> {
    const { client, namespaces, onChange, logger, metrics } = this.#o;
    const places = namespaces.length === 0 ? [undefined] : namespaces;
    this.#version = version;
    this.#informers = places.map(
      (namespace) =>
        new Informer<CapiCluster>({
          client,
          resource: clusterDefinition(version),
          ...(namespace === undefined ? {} : { namespace }),
          logger,
          metrics,
        }),
    );
    for (const informer of this.#informers) {
      informer.onChange(({ object }) => onChange(object));
      informer.start();
    }
    await Promise.all(this.#informers.map((informer) => informer.waitForSync(signal)));
    this.#known = true;
    logger.info('clusters of Cluster API are followed', { version, clusters: this.list().length });
  }

  async #leave(): Promise<void> {
    const informers = this.#informers;
    this.#known = false;
    this.#version = undefined;
    this.#informers = [];
    await closeAll(...informers);
  }
}

async function servedVersion(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const path = `/apis/${clusterApiGroup}`;
    const { versions = [] } = await client.request<{ versions?: { version: string }[] }>({ method: 'GET', path, signal });
    return clusterApiVersions.find((version) => versions.some((served) => served.version === version));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
