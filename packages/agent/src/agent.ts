// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { names, type KubeObject } from '@clusternet/api-types';
import { core, isForbidden, type KubeClient } from '@clusternet/client';
import { type HelmEngine } from '@clusternet/deployer';
import { aborted, EventRecorder, sleep, Stack, type Logger, type Metrics } from '@clusternet/runtime';
import { type AgentOptions } from './options.ts';
import { SecretCredentialStore } from './registration/credentialStore.ts';
import { chooseClusterId, ensureLease, type ClusterIdentity, type StoredIdentity } from './registration/identity.ts';
import { connectParent, readParentClock } from './registration/parentApi.ts';
import { ParentClock } from './registration/parentClock.ts';
import { Registrar } from './registration/registrar.ts';
import { RegistrationReporter } from './registration/reporter.ts';
import { runSession } from './session.ts';
import { PredictorMetrics } from './predictor/predictorMetrics.ts';
import { TunnelMetrics } from './tunnel/tunnelMetrics.ts';

/** What the agent is made of. */
export interface AgentParts {
  options: AgentOptions;
  /** The child's API server. */
  child: KubeClient;
  /** Deploys charts. */
  helm: HelmEngine;
  /** Lease that identifies the cluster; its namespace is the agent's. */
  lease: { namespace: string; name: string };
  version: string;
  qps: number;
  burst: number;
  logger: Logger;
  metrics: Metrics;
}

/**
 * Registers the cluster and serves its parent while leading. The same agent leads as often as the election says; what it started
 * is stopped each time.
 */
export class Agent {
  readonly #parts: AgentParts;
  readonly #tunnelMetrics: TunnelMetrics;
  readonly #predictorMetrics: PredictorMetrics;
  /** Outlives leaderships: a cluster that was let go comes back only with a new process. */
  #deregistered = false;
  #serving = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#tunnelMetrics = new TunnelMetrics(parts.metrics);
    this.#predictorMetrics = new PredictorMetrics(parts.metrics);
  }

  /** Whether the cluster is registered and this process serves it. */
  get serving(): boolean {
    return this.#serving;
  }

  /** Runs until the leadership ends. */
  async lead(signal: AbortSignal): Promise<void> {
    const { child, lease, logger, metrics, options } = this.#parts;
    const now = () => new Date();
    const random = () => Math.random();
    const stack = new Stack();
    try {
      const recorder = stack.use(new EventRecorder({ client: child, component: names.agent, logger, metrics }));
      const reporter = new RegistrationReporter(logger, recorder);
      const clock = new ParentClock(() => readParentClock(options.parent.url), now);
      const store = new SecretCredentialStore(child, lease.namespace);
      const identity = (stored: StoredIdentity | undefined) => readIdentity(child, lease, stored);
      const registrar = new Registrar({
        options,
        identity,
        store,
        connect: connectParent,
        clock,
        reporter,
        logger,
        now,
        sleep,
        random,
      });
      if (options.parent.insecure)
        logger.warn(
          'the certificate of the parent is not verified while registering: anyone between could take the registration token',
        );
      while (!signal.aborted && !this.#deregistered) {
        this.#serving = false;
        const registration = await registrar.run(signal);
        this.#serving = true;
        const end = await runSession(
          {
            ...this.#parts,
            systemNamespace: lease.namespace,
            agentVersion: this.#parts.version,
            tunnelMetrics: this.#tunnelMetrics,
            predictorMetrics: this.#predictorMetrics,
            registration,
            fetchWithRegistrationToken: (name, ca) => registrar.fetchWithRegistrationToken(name, ca),
            store,
            clock,
            reporter,
            now,
            sleep,
            random,
          },
          signal,
        );
        if (end !== 'deregistered') continue;
        this.#serving = false;
        this.#deregistered = true;
        reporter.deregistered('this cluster was deregistered at its parent; restart the agent to register it anew');
      }
      await aborted(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#serving = false;
      await stack.close();
    }
  }
}

async function readIdentity(
  child: KubeClient,
  ref: { namespace: string; name: string },
  stored: StoredIdentity | undefined,
): Promise<ClusterIdentity> {
  const lease = await ensureLease(child, ref);
  const system = await child
    .resource<KubeObject>(core.namespaces)
    .find({ name: 'kube-system' })
    .catch((error: unknown) => {
      if (isForbidden(error)) return undefined;
      throw error;
    });
  const systemUid = system?.metadata.uid;
  return { clusterId: chooseClusterId(lease, stored, systemUid), lease, systemUid };
}
