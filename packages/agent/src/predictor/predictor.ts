// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Prediction, type ReplicaRequirements } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { closeAll, Informer, sleep, type Logger, type Metrics } from '@clusternet/runtime';
import { type NodeSummary } from '../status/nodes.ts';
import { amountsOf, type Amounts } from './amounts.ts';
import { NodeUsage } from './nodeUsage.ts';
import { type NodeState } from './plugins.ts';
import { type PodSummary, summarizePod } from './podSummary.ts';
import { predict } from './predict.ts';
import { type PredictorMetrics } from './predictorMetrics.ts';
import { PredictorServer } from './predictorServer.ts';
import { placesOf } from './volumeTopology.ts';

/** What the {@link Predictor} works with. */
export interface PredictorOptions {
  child: KubeClient;
  /** Nodes with labels, taints and all that they offer. */
  nodes: Pick<Informer<NodeSummary>, 'list' | 'synced'>;
  clusterId: string;
  /** Port of the loopback address; 0 for any. */
  port: number;
  logger: Logger;
  metrics: Metrics;
  predictorMetrics: PredictorMetrics;
  /** The leadership under which it answers. */
  signal: AbortSignal;
}

const portTakenPauseMs = 10_000;

/** The predictor that is built in: follows nodes and pods of the cluster, and says over HTTP how many replicas fit. */
export class Predictor {
  readonly #o: PredictorOptions;
  readonly #pods: Informer<PodSummary>;
  readonly #usage = new NodeUsage();
  readonly #server: PredictorServer;
  readonly #stop = new AbortController();
  // What a node offers is read once for each version of it.
  readonly #allocatable = new WeakMap<NodeSummary, Amounts>();
  #listening: Promise<void> | undefined;

  constructor(options: PredictorOptions) {
    this.#o = options;
    const { child, clusterId, port, logger, metrics, predictorMetrics } = options;
    this.#pods = new Informer<PodSummary>({
      client: child,
      resource: core.pods,
      // Pods that ended, or are nowhere yet, take nothing; the API server keeps them to itself.
      fieldSelector: 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed',
      transform: (pod) => summarizePod(pod),
      logger,
      metrics,
    });
    this.#pods.onChange((change) => this.#usage.changed(change));
    this.#server = new PredictorServer({
      port,
      clusterId,
      predict: (requirements) => this.predict(requirements),
      onAnswer: (answer) => predictorMetrics.answered(answer),
    });
  }

  /** Begins to follow the cluster; resolves to the address to report, which for a fixed port is known before it listens. */
  async start(): Promise<string> {
    this.#pods.start();
    const { port } = this.#o;
    if (port === 0) return addressOf(await this.#server.listen());
    const signal = AbortSignal.any([this.#stop.signal, this.#o.signal]);
    this.#listening = this.#listen(signal).catch(() => undefined);
    return addressOf(port);
  }

  /** `undefined` until nodes and pods are known. */
  async predict(requirements: ReplicaRequirements): Promise<Prediction | undefined> {
    const { child, nodes } = this.#o;
    if (!nodes.synced || !this.#pods.synced) return undefined;
    const places = await placesOf(child, requirements);
    const states = nodes.list().map((node) => this.#stateOf(node));
    return predict(requirements, states, { places });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    await closeAll(this.#pods, this.#server);
  }

  /** A port that is taken may become free: everything else of the agent goes on meanwhile. */
  async #listen(signal: AbortSignal): Promise<void> {
    for (let told = false; !signal.aborted; told = true) {
      try {
        const port = await this.#server.listen();
        this.#o.logger.info('predictor listens', { port });
        return;
      } catch (error) {
        if (!told) {
          this.#o.logger.error('the predictor cannot listen; give it another port with --predictor-port', {
            port: this.#o.port,
            error,
          });
        }
        await sleep(portTakenPauseMs, signal);
      }
    }
  }

  #stateOf(node: NodeSummary): NodeState {
    let allocatable = this.#allocatable.get(node);
    if (!allocatable) {
      allocatable = amountsOf(node.status?.allocatable);
      this.#allocatable.set(node, allocatable);
    }
    const { name, labels = {} } = node.metadata;
    const { taints = [], unschedulable = false } = node.spec ?? {};
    return { name, labels, taints, unschedulable, allocatable, used: this.#usage.of(name) };
  }
}

function addressOf(port: number): string {
  return `http://localhost:${port}`;
}
