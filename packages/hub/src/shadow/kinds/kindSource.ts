// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { Informer, type Logger, type Metrics, retry, sleep, toError } from '@clusternet/runtime';
import { buildCatalog, type Catalog } from './catalog.ts';
import { customKind, type CustomResourceDefinition, slimCrd } from './customKinds.ts';
import { discoveredKinds, type GroupDiscoveryList } from './discovered.ts';
import { type ServedKind } from './servedKind.ts';

interface ApiService extends KubeObject {
  spec: { group?: string; groupPriorityMinimum?: number };
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
/** Changes of the built-in kinds come with another version of the API server. */
const refreshMs = 60_000;

/** Knows which kinds the parent serves, and follows them as they come and go. */
export class KindSource {
  readonly #client: KubeClient;
  readonly #logger: Logger;
  readonly #crds: Informer<CustomResourceDefinition>;
  readonly #apiServices: Informer<ApiService>;
  readonly #abort = new AbortController();
  #builtIn: readonly ServedKind[] = [];
  #catalog: Catalog | undefined;
  #running: Promise<void> | undefined;

  constructor(o: { client: KubeClient; logger: Logger; metrics: Metrics }) {
    const { client, logger, metrics } = o;
    this.#client = client;
    this.#logger = logger;
    this.#crds = new Informer({ client, resource: core.customResourceDefinitions, transform: slimCrd, logger, metrics });
    this.#apiServices = new Informer({ client, resource: core.apiServices, logger, metrics });
  }

  /** What is served now. */
  get catalog(): Catalog {
    this.#catalog ??= this.#build();
    return this.#catalog;
  }

  /** Resolves once everything is known; follows it until {@link KindSource.close}. */
  async start(signal?: AbortSignal): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#abort.signal]) : this.#abort.signal;
    this.#crds.start();
    this.#apiServices.start();
    await Promise.all([this.#crds.waitForSync(stop), this.#apiServices.waitForSync(stop)]);
    await retry(() => this.#discover(stop), { signal: stop });
    this.#crds.onChange(() => (this.#catalog = undefined));
    this.#apiServices.onChange(({ object }) => {
      this.#catalog = undefined;
      // Those of CRDs are told by the CRDs.
      if (!this.#customGroups().has(object.spec.group ?? '')) this.#changed();
    });
    this.#running = this.#follow();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all([this.#crds.close(), this.#apiServices.close(), this.#running]);
  }

  #wake: (() => void) | undefined;

  #changed(): void {
    this.#wake?.();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => (this.#wake = resolve));
      const pause = new AbortController();
      await Promise.race([changed, sleep(refreshMs, AbortSignal.any([signal, pause.signal])).catch(() => undefined)]);
      pause.abort();
      // An API server that was just registered answers a little later.
      await sleep(1_000, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#discover(signal);
      } catch (error) {
        if (!signal.aborted)
          this.#logger.warn('cannot read which kinds the parent serves; trying again', { error: toError(error) });
      }
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const lists = await Promise.all(
      ['/api', '/apis'].map((path) =>
        this.#client.request<GroupDiscoveryList>({ method: 'GET', path, headers: { accept: aggregated }, signal }),
      ),
    );
    this.#builtIn = discoveredKinds(lists, { customGroups: this.#customGroups(), known: this.#builtIn });
    this.#catalog = undefined;
  }

  #customGroups(): Set<string> {
    return new Set(this.#crds.list().map(({ spec }) => spec.group));
  }

  #build(): Catalog {
    const priorities = new Map<string, number>();
    for (const { spec } of this.#apiServices.list()) {
      const group = spec.group ?? '';
      priorities.set(group, Math.max(priorities.get(group) ?? 0, spec.groupPriorityMinimum ?? 0));
    }
    const customGroups = this.#customGroups();
    const builtIn = this.#builtIn.filter(({ group }) => !customGroups.has(group));
    const custom = this.#crds.list().flatMap((crd) => customKind(crd) ?? []);
    return buildCatalog({ kinds: [...builtIn, ...custom], priorities });
  }
}
