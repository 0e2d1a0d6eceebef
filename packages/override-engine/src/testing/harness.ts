// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type Globalization,
  type KubeObject,
  type HelmChart,
  type Localization,
  type ManagedCluster,
  type Manifest,
  type ResourceDefinition,
  type Subscription,
} from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { type NewEvent, silentLogger } from '@clusternet/runtime';
import { baseKeyOf, byBase } from '../service/latestDescriptions.ts';
import { OverrideEngine } from '../service/overrideEngine.ts';
import { onlyRollout } from '../service/rollouts.ts';
import { withoutObserved } from '../service/withoutObserved.ts';
import { FakeCollection } from './fakeCollection.ts';
import { base, cluster, configMap, dedicated, feedTo, manifest, reserved } from './objects.ts';

/** An engine between three collections in memory. */
export class Harness implements AsyncDisposable {
  /** Requests since the start, e.g. `create app-generic`. */
  readonly requests: string[] = [];
  readonly events: (NewEvent & { base: string })[] = [];
  /** Called before each request; throws the answer. */
  onRequest: (request: string) => void | Promise<void> = () => undefined;
  readonly bases = new FakeCollection<Base>({ onRequest: (request) => this.#note(request) });
  readonly charts = new FakeCollection<HelmChart>();
  readonly manifests = new FakeCollection<Manifest>();
  readonly localizations = new FakeCollection<Localization>({ onRequest: (request) => this.#note(request) });
  readonly globalizations = new FakeCollection<Globalization>({ onRequest: (request) => this.#note(request) });
  readonly clusters = new FakeCollection<ManagedCluster>();
  readonly subscriptions = new FakeCollection<Subscription>({
    transform: onlyRollout,
    onRequest: (request) => this.#note(request),
  });
  readonly revisions = new FakeCollection<KubeObject>({ onRequest: (request) => this.#note(request) });
  /** Revisions kept; none unless a test is about them. */
  historyLimit = 0;
  /** Time that the engine sees. */
  now = new Date('2026-03-01T00:00:00Z');
  readonly descriptions = new FakeCollection<Description>({
    indexers: { [byBase]: (description) => [baseKeyOf(description)].filter((key) => key !== undefined) },
    transform: withoutObserved,
    onRequest: (request) => this.#note(request),
  });
  #engine: OverrideEngine | undefined;

  /** Starts an engine, or another one after {@link stop}. */
  async start(): Promise<void> {
    const { bases, manifests, descriptions, localizations, globalizations, clusters, subscriptions } = this;
    const clients: Record<string, unknown> = {
      Base: bases.client,
      Description: descriptions.client,
      Localization: localizations.client,
      Globalization: globalizations.client,
      Subscription: subscriptions.client,
      ControllerRevision: this.revisions.client,
    };
    const resource = ({ kind }: ResourceDefinition): unknown => clients[kind];
    this.#engine = new OverrideEngine({
      client: { resource } as unknown as Pick<KubeClient, 'resource'>,
      reservedNamespace: reserved,
      bases,
      manifests,
      charts: this.charts,
      descriptions,
      localizations,
      globalizations,
      clusters,
      subscriptions,
      historyLimit: this.historyLimit,
      recorder: { event: (object, event) => this.events.push({ ...event, base: object.metadata.name }) },
      logger: silentLogger,
      reportQuietMs: 150,
      now: () => this.now,
    });
    await this.#engine.start(new AbortController().signal);
    await this.idle();
  }

  /** Starts with these ConfigMaps as the feeds of one Subscription, in a cluster of each namespace, and forgets what that took. */
  async startWith(o: { feeds: string[]; data?: Record<string, string>; regions: Record<string, string> }): Promise<void> {
    for (const name of o.feeds) this.manifests.put(manifest(configMap(name, o.data)));
    for (const [namespace, region] of Object.entries(o.regions)) {
      this.clusters.put(cluster({ region }, namespace));
      this.bases.put(base('app', o.feeds.map(feedTo), { namespace, uid: `uid-${namespace}` }));
    }
    await this.start();
    this.forget();
  }

  async stop(): Promise<void> {
    await this.#engine?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async idle(): Promise<void> {
    await this.#engine?.idle();
  }

  forget(): void {
    this.requests.length = 0;
  }

  /** A Description as the API server has it. */
  description(name: string): Description | undefined {
    return this.descriptions.live(`${dedicated}/${name}`);
  }

  /** The deployer has done all that the Description asks for. */
  confirm(name: string): void {
    this.descriptions.change(`${dedicated}/${name}`, ({ metadata, status }) => ({
      status: { ...status, phase: 'Success', observedGeneration: metadata.generation },
    }));
  }

  /** The deployer has taken away all objects of a Description that is being deleted. */
  letGo(name: string): void {
    this.descriptions.change(`${dedicated}/${name}`, ({ metadata }) => ({ metadata: { ...metadata, finalizers: [] } }));
  }

  async #note(request: string): Promise<void> {
    this.requests.push(request);
    await this.onRequest(request);
  }
}
