// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import {
  annotations,
  apiVersionOf,
  createdBy,
  fieldManagers,
  type HelmChart,
  type HelmRelease,
  labels,
  names,
  resources,
} from '@clusternet/api-types';
import { core, objectKey } from '@clusternet/client';
import { type ChartCredentials, chartCredentialsKey, ChartSourceError } from '@clusternet/deployer';
import { type Controller, type ControllerContext } from '../controller.ts';
import { type PullSecrets } from '../helmCharts/pullSecrets.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { byAge, isDeleting, isTerminating, type Secret } from '../kube/objects.ts';
import { whoDeploys } from '../push/mode.ts';
import { indexes, type Stores } from '../stores.ts';

/** Secrets of users are not watched: what changed in them is found within this time, in milliseconds. */
const refreshMs = 120_000;

/** The HelmCharts that the Bases of a dedicated namespace feed. The child can change neither. */
export function fedCharts(stores: Pick<Stores, 'bases' | 'helmCharts'>, namespace: string): Map<string, HelmChart> {
  const feeds = stores.bases
    .byIndex(indexes.namespace, namespace)
    .flatMap(({ spec }) => spec.feeds ?? [])
    .filter(({ kind, apiVersion }) => kind === resources.helmCharts.kind && apiVersion === apiVersionOf(resources.helmCharts));
  const charts = feeds.flatMap(({ name, namespace: home }) => stores.helmCharts.get(objectKey({ name, namespace: home })) ?? []);
  return new Map(charts.map((chart) => [objectKey(chart), chart]));
}

/**
 * Credentials for a release that the hub deploys itself: those of the HelmChart it was made from, as long as a Base feeds that and it is still the
 * same repository. What a HelmRelease itself says of Secrets is not believed, as the child may write it.
 */
export async function credentialsForPush(
  o: { stores: Pick<Stores, 'bases' | 'helmCharts'>; secrets: Pick<PullSecrets, 'credentialsOf'> },
  release: HelmRelease,
): Promise<ChartCredentials | undefined> {
  const chart = fedCharts(o.stores, release.metadata.namespace ?? '').get(
    release.metadata.annotations?.[annotations.helmChart] ?? '',
  );
  if (!release.spec.chartPullSecret?.name && !chart?.spec.chartPullSecret?.name) return undefined;
  if (!chart) {
    const message =
      'the Subscription does not feed the HelmChart any longer, whose credentials the repository wants: feed it again';
    throw new ChartSourceError('Unauthorized', message);
  }
  if (chart.spec.repo !== release.spec.repo) return undefined;
  return o.secrets.credentialsOf(chart);
}

/**
 * Hands each agent that deploys by itself the credentials of the charts it is to deploy, and no others, in one Secret of its dedicated namespace.
 */
export class ChartCredentialsController implements Controller {
  readonly #context: ControllerContext;
  readonly #secrets: Pick<PullSecrets, 'credentialsOf'>;
  readonly #queue: ControllerQueue;

  constructor(context: ControllerContext, secrets: Pick<PullSecrets, 'credentialsOf'>) {
    this.#context = context;
    this.#secrets = secrets;
    this.#queue = new ControllerQueue(context, {
      name: 'chart-credentials',
      workers: 4,
      quietMs: 20,
      maxQuietMs: 500,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { bases, chartSecrets, helmCharts, managedClusters } = this.#context.stores;
    const add = (object: { metadata: { namespace?: string } }): void => this.#queue.add(object.metadata.namespace ?? '');
    this.#queue.start(
      bases.onChange(({ object }) => add(object)),
      chartSecrets.onChange(({ object }) => add(object)),
      managedClusters.onChange(({ object, previous }) => {
        if (!previous || whoDeploys(previous).who !== whoDeploys(object).who) add(object);
      }),
      helmCharts.onChange(({ object, previous }) => {
        if (object.spec.chartPullSecret === undefined && previous?.spec.chartPullSecret === undefined) return;
        if (previous && previous.metadata.generation === object.metadata.generation && previous.status === object.status) return;
        for (const namespace of new Set(
          bases
            .list()
            .filter((base) => feeds(base, object))
            .map(({ metadata }) => metadata.namespace),
        ))
          this.#queue.add(namespace ?? '');
      }),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Writes the Secret of one dedicated namespace, or takes it away. */
  async reconcile(namespace: string): Promise<{ requeueAfterMs: number } | void> {
    const { api, stores } = this.#context;
    const present = stores.chartSecrets.byIndex(indexes.namespace, namespace)[0];
    const home = stores.namespaces.get(namespace);
    if (!home || isTerminating(home)) return;
    const [cluster] = stores.managedClusters.byIndex(indexes.namespace, namespace).sort(byAge);
    const byAgent = cluster !== undefined && whoDeploys(cluster).who === 'agent';
    const data = byAgent ? await this.#dataOf(namespace) : {};
    const ref = { name: names.chartCredentials, namespace };
    if (Object.keys(data).length === 0) {
      if (present) await api.resource<Secret>(core.secrets).delete(ref, { preconditions: { uid: present.metadata.uid } });
      return;
    }
    if (!sameData(present?.data, data)) {
      const clusterId = home.metadata.labels?.[labels.clusterId];
      await api.resource<Secret>(core.secrets).apply(
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {
            ...ref,
            labels: { [labels.createdBy]: createdBy.hub, ...(clusterId ? { [labels.clusterId]: clusterId } : {}) },
          },
          type: 'Opaque',
          data,
        },
        { fieldManager: fieldManagers.hub, force: true },
      );
    }
    return { requeueAfterMs: refreshMs };
  }

  async #dataOf(namespace: string): Promise<Record<string, string>> {
    const data: Record<string, string> = {};
    for (const [key, chart] of fedCharts(this.#context.stores, namespace)) {
      if (isDeleting(chart) || !chart.spec.chartPullSecret?.name) continue;
      const entry = chartCredentialsKey(key);
      try {
        const credentials = await this.#secrets.credentialsOf(chart);
        if (credentials) data[entry] = Buffer.from(JSON.stringify({ repo: chart.spec.repo, ...credentials })).toString('base64');
      } catch (error) {
        // Told in the status of the HelmChart. The Secret is gone, or the right to read it: then nobody is to have what was in it.
        if (!(error instanceof ChartSourceError)) throw error;
      }
    }
    return data;
  }
}

function feeds(
  base: { spec: { feeds?: { kind: string; namespace?: string; name: string }[] } },
  { metadata }: HelmChart,
): boolean {
  return (base.spec.feeds ?? []).some(
    ({ kind, namespace, name }) =>
      kind === resources.helmCharts.kind && namespace === metadata.namespace && name === metadata.name,
  );
}

function sameData(a: Record<string, string> | undefined, b: Record<string, string>): boolean {
  const keys = Object.keys(a ?? {});
  return keys.length === Object.keys(b).length && keys.every((key) => a?.[key] === b[key]);
}
