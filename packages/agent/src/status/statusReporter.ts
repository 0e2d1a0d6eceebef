// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  conditionTypes,
  fieldManagers,
  resources,
  apiVersionOf,
  type ManagedCluster,
  type ManagedClusterStatus,
} from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { aborted, findCondition, guardedSignal, type Informer, sleep, type Logger } from '@clusternet/runtime';
import { type ClusterCidrs } from './cidr.ts';
import { collectStatus, discoverCidrs, type FixedStatus, type ReportedTrust } from './collect.ts';
import { collectUsage } from './metricsServer.ts';
import { type NodeLabelOptions } from '../options.ts';
import { type NodeSummary } from './nodes.ts';
import { nextReport, undeclaredFields, without } from './report.ts';

/** What {@link StatusReporter} works with. */
export interface StatusReporterOptions {
  child: KubeClient;
  parent: KubeClient;
  /** Follows the nodes of the child; not this one's to start or close. */
  nodes: Pick<Informer<NodeSummary>, 'list' | 'waitForSync'>;
  nodeLabels: NodeLabelOptions;
  /** The cluster's own ManagedCluster, watched in its dedicated namespace. */
  managedCluster: () => ManagedCluster | undefined;
  fixed: FixedStatus;
  /** Asked for with each report. */
  trust: () => ReportedTrust;
  /** Address ranges to report where the control plane does not show them. */
  cidrs: ClusterCidrs;
  collectMs: number;
  heartbeatMs: number;
  /** Whether, and how often, something else tells the parent that the cluster is there. */
  leasedEverySeconds: () => number | undefined;
  useMetricsServer: boolean;
  /** Time at the parent. */
  now: () => Date;
  /** The leadership under which reports are written. */
  signal: AbortSignal;
  logger: Logger;
}

const cidrRefreshMs = 3_600_000;
const shortestPauseMs = 1_000;

/** Looks at the child regularly and tells the parent: as a heartbeat, and at once when something important changes. */
export class StatusReporter {
  readonly #o: StatusReporterOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #wake = new AbortController();
  #reported: { uid: string | undefined; status: ManagedClusterStatus } | undefined;
  #reportedAt = -Infinity;
  #failed = false;
  #apiKinds: readonly string[] | undefined;
  /** Fields that the parent's CRD is too old for. */
  readonly #undeclared = new Set<string>();

  constructor(options: StatusReporterOptions) {
    this.#o = options;
  }

  /** Starts collecting. */
  start(): void {
    const signal = guardedSignal([this.#stop.signal, this.#o.signal]);
    this.#running ??= this.#run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#o.logger.error('status reports ended', { error });
    });
  }

  /** The ManagedCluster appeared or changed: report soon if the parent does not show what was reported. */
  changed(cluster: ManagedCluster): void {
    const ready = findCondition(cluster.status?.conditions, conditionTypes.ready);
    // The parent calls a silent cluster Unknown; if it keeps to that, it is not told the contrary all the time.
    const mistaken = ready?.status === 'Unknown' && performance.now() - this.#reportedAt > this.#o.collectMs;
    if (cluster.metadata.uid !== this.#reported?.uid || mistaken) {
      this.#reported = undefined;
      this.#wake.abort();
    }
  }

  /** What is reported changed: report soon. */
  wake(): void {
    this.#wake.abort();
  }

  /** Stops; nothing is written afterwards. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { collectMs, heartbeatMs } = this.#o;
    await Promise.race([this.#o.nodes.waitForSync(signal).catch(() => undefined), sleep(collectMs, signal)]);
    let cidrs: ClusterCidrs | undefined;
    let cidrsDue = 0;
    let heartbeatDue = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const started = performance.now();
      if (started >= cidrsDue || !cidrs) {
        cidrs = await discoverCidrs(this.#o.child, this.#o.cidrs, { signal, logger: this.#o.logger });
        cidrsDue = started + cidrRefreshMs;
        // The parent may have got newer CRDs since.
        this.#undeclared.clear();
      }
      const heartbeat = started >= heartbeatDue;
      if (await this.#report(cidrs, heartbeat, signal)) heartbeatDue = started + heartbeatMs;
      await sleep(shortestPauseMs, signal);
      const rest = Math.max(0, Math.min(collectMs, heartbeatDue - performance.now()) - shortestPauseMs);
      const pauseMs = this.#failed ? Math.min(rest, collectMs) || collectMs : rest;
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      await Promise.race([sleep(pauseMs, woken).catch(() => undefined), aborted(woken)]);
    }
  }

  /** True when the parent holds a report that counts as heartbeat. */
  async #report(cidrs: ClusterCidrs, heartbeat: boolean, signal: AbortSignal): Promise<boolean> {
    const { child, logger, managedCluster, nodeLabels, now, parent, useMetricsServer } = this.#o;
    const cluster = managedCluster();
    if (!cluster) return false;
    const nodes = this.#o.nodes.list();
    const fixed = { ...this.#o.fixed, ...this.#o.trust() };
    const collected = await collectStatus({ client: child, nodes, nodeLabels, cidrs, apiKinds: this.#apiKinds, fixed, signal });
    this.#apiKinds = collected.apiKinds;
    const usage = useMetricsServer && heartbeat ? await collectUsage(child, signal) : {};
    const { uid, name, namespace } = cluster.metadata;
    const reported = this.#reported && this.#reported.uid === uid ? this.#reported.status : undefined;
    const leasedEverySeconds = this.#o.leasedEverySeconds();
    const frequency = leasedEverySeconds === undefined ? {} : { heartbeatFrequencySeconds: leasedEverySeconds };
    const observed = { ...pickUsage(reported), ...collected, ...usage, ...frequency };
    const status = nextReport({
      observed: without(observed, this.#undeclared),
      reported,
      now: now(),
      heartbeat,
      leased: leasedEverySeconds !== undefined,
    });
    // Nothing to say is as good as said, where nobody waits for it.
    if (!status) return heartbeat;
    const { managedClusters } = resources;
    const body = {
      apiVersion: apiVersionOf(managedClusters),
      kind: managedClusters.kind,
      metadata: { name, namespace },
      status,
    } as ManagedCluster;
    try {
      await parent
        .resource<ManagedCluster>(managedClusters)
        .apply(body, { fieldManager: fieldManagers.agent, force: true, subresource: 'status', signal });
      if (this.#failed) logger.info('status is reported again');
      this.#failed = false;
      this.#reported = { uid, status };
      this.#reportedAt = performance.now();
      return heartbeat || reported === undefined;
    } catch (error) {
      signal.throwIfAborted();
      const undeclared = undeclaredFields(error).filter((field) => !this.#undeclared.has(field));
      if (undeclared.length > 0) {
        logger.info('the parent does not know some fields of the status: they are left out', { fields: undeclared.join(' ') });
        for (const field of undeclared) this.#undeclared.add(field);
        return this.#report(cidrs, heartbeat, signal);
      }
      if (!this.#failed) logger.warn('status could not be reported', { namespace, name, error });
      this.#failed = true;
      return false;
    }
  }
}

function pickUsage(status: ManagedClusterStatus | undefined): Pick<ManagedClusterStatus, 'podStatistics' | 'resourceUsage'> {
  return {
    ...(status?.podStatistics ? { podStatistics: status.podStatistics } : {}),
    ...(status?.resourceUsage ? { resourceUsage: status.resourceUsage } : {}),
  };
}
