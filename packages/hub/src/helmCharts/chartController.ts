// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { fieldManagers, type HelmChart, type HelmChartStatus, resources, stableStringify } from '@clusternet/api-types';
import { isNotFound } from '@clusternet/client';
import { type ChartSource, ChartSourceError } from '@clusternet/deployer';
import { backoffDelay } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { isDeleting } from '../kube/objects.ts';
import { type PullSecrets } from './pullSecrets.ts';

/** A chart that was found is looked for again after this time, in milliseconds. */
const recheckMs = 600_000;
const retry = { initialMs: 3_000, maxMs: 300_000, jitter: 0.4 };

/**
 * Looks for the chart of each HelmChart in its repository and writes down the exact version and digest that every cluster gets. A range is
 * resolved once for each change of the spec: what runs in the fleet does not change because somebody published something.
 */
export class ChartController implements Controller {
  readonly #context: ControllerContext;
  readonly #source: Pick<ChartSource, 'resolve'>;
  readonly #secrets: Pick<PullSecrets, 'credentialsOf'>;
  readonly #queue: ControllerQueue;
  readonly #failures = new Map<string, number>();
  readonly #random: () => number;

  constructor(
    context: ControllerContext,
    o: { source: Pick<ChartSource, 'resolve'>; secrets: Pick<PullSecrets, 'credentialsOf'>; random?: () => number },
  ) {
    this.#context = context;
    this.#source = o.source;
    this.#secrets = o.secrets;
    this.#random = o.random ?? Math.random;
    this.#queue = new ControllerQueue(context, {
      name: 'helm-charts',
      workers: 8,
      reconcile: (key, stop) => this.reconcile(key, stop),
    });
  }

  start(): void {
    const unsubscribe = this.#context.stores.helmCharts.onChange(({ type, key, object, previous }) => {
      if (type === 'deleted') this.#failures.delete(key);
      else if (type === 'added' || previous?.metadata.generation !== object.metadata.generation) {
        this.#failures.delete(key);
        this.#queue.add(key, { priority: 1 });
      }
    });
    this.#queue.start(unsubscribe);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Looks for one chart. */
  async reconcile(key: string, signal?: AbortSignal): Promise<{ requeueAfterMs: number } | void> {
    const chart = this.#context.stores.helmCharts.get(key);
    if (!chart || isDeleting(chart)) return;
    const { generation } = chart.metadata;
    const { status } = chart;
    const pinned = status?.observedGeneration === generation ? status?.version : undefined;
    const { repo, chart: name, version, plainHTTP } = chart.spec;
    let next: HelmChartStatus;
    try {
      const credentials = await this.#secrets.credentialsOf(chart);
      const found = await this.#source.resolve({ repo, chart: name, version: pinned ?? version, plainHTTP }, credentials, signal);
      this.#failures.delete(key);
      next = { phase: 'Found', reason: '', version: found.version, digest: found.digest, observedGeneration: generation };
    } catch (error) {
      // A search that was given up says nothing of the chart.
      signal?.throwIfAborted();
      if (!(error instanceof ChartSourceError)) throw error;
      next = { ...status, phase: 'NotFound', reason: error.message };
    }
    await this.#write(chart, next);
    if (next.phase === 'Found') return { requeueAfterMs: recheckMs * (0.8 + 0.4 * this.#random()) };
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return { requeueAfterMs: backoffDelay(failures, retry, this.#random) };
  }

  async #write(chart: HelmChart, next: HelmChartStatus): Promise<void> {
    const { status } = chart;
    if (stableStringify(status ?? {}) === stableStringify(next)) return;
    const { name, namespace, uid } = chart.metadata;
    const patch = { metadata: { uid }, status: { ...next, digest: next.digest ?? null } };
    try {
      await this.#context.api
        .resource(resources.helmCharts)
        .patch({ name, namespace }, patch, { type: 'merge', subresource: 'status', fieldManager: fieldManagers.hub });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return;
    }
    this.#tell(chart, next);
  }

  #tell(chart: HelmChart, next: HelmChartStatus): void {
    const { recorder } = this.#context;
    const { status } = chart;
    if (next.phase === 'NotFound') {
      if (status?.phase === 'NotFound' && status.reason === next.reason) return;
      recorder.event(chart, { type: 'Warning', reason: 'HelmChartNotFound', message: (next.reason ?? '').slice(0, 900) });
      return;
    }
    const same = status?.version === next.version;
    if (same && status?.digest !== undefined && status.digest !== next.digest) {
      const message = `version ${next.version} is not the same archive any more; clusters that have it keep what they have`;
      recorder.event(chart, { type: 'Warning', reason: 'HelmChartChanged', message });
    } else if (!same || status?.phase !== 'Found') {
      recorder.event(chart, {
        type: 'Normal',
        reason: 'HelmChartFound',
        message: `version ${next.version} is what clusters get`,
      });
    }
  }
}
