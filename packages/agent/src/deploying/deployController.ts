// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { fieldManagers, names, resources, type Description, type HelmRelease, type ManagedCluster } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { ClusterDeployer, credentialsFromSecret, HelmDeployer, type HelmEngine } from '@clusternet/deployer';
import { EventRecorder, Informer, Stack, WorkQueue, type Logger, type Metrics } from '@clusternet/runtime';
import { childCredentialSecret, isOwnSecret, isSameCredential, type CredentialSecret } from '../childCredential.ts';
import { ServiceAccountTokens, type IssuedToken } from '../serviceAccountTokens.ts';
import { whoDeploys, type Deployer } from './responsibility.ts';
import { retainOnDeregistration } from './retain.ts';

/** What {@link DeployController} works with. */
export interface DeployControllerOptions {
  child: KubeClient;
  helm: HelmEngine;
  parent: KubeClient;
  clusterId: string;
  clusterName: string;
  /** Dedicated namespace in the parent. */
  namespace: string;
  requestName: string;
  /** Namespace of the agent in the child. */
  systemNamespace: string;
  managedCluster: () => ManagedCluster | undefined;
  /** URL for the parent; the one the agent itself uses when absent. */
  advertiseUrl: string | undefined;
  recovery: boolean;
  qps: number;
  burst: number;
  now: () => Date;
  /** The leadership under which it acts. */
  signal: AbortSignal;
  logger: Logger;
  metrics?: Metrics;
}

const pushTokenLifeSeconds = 86_400;
const recheckMs = 300_000;
const key = 'deploy';

/**
 * Deploys to the child, or hands the parent the credential to do so, as the cluster's sync mode says at every moment.
 *
 * @remarks Level-based: the side that is not responsible is stopped before the other is started.
 */
export class DeployController {
  readonly #o: DeployControllerOptions;
  readonly #tokens: ServiceAccountTokens;
  readonly #queue: WorkQueue;
  #pulling: Stack | undefined;
  #handedOut: (IssuedToken & { serviceAccountUid: string }) | undefined;
  #deployer: Deployer | undefined;
  #keptForeignSecret = false;

  constructor(options: DeployControllerOptions) {
    this.#o = options;
    this.#tokens = new ServiceAccountTokens({
      child: options.child,
      namespace: options.systemNamespace,
      name: names.appDeployer,
      now: options.now,
    });
    this.#queue = new WorkQueue({
      name: 'agent-deploy',
      reconcile: () => this.#reconcile(),
      signal: options.signal,
      logger: options.logger,
      ...(options.metrics ? { metrics: options.metrics } : {}),
    });
  }

  /** Starts acting on the ManagedCluster. */
  start(): void {
    this.#queue.start();
    this.#queue.add(key);
  }

  /** The ManagedCluster or the CA of the child changed. */
  changed(): void {
    this.#queue.add(key);
  }

  /** Stops; the credential in the parent stays, so that the parent goes on while the agent is away. */
  async close(): Promise<void> {
    await this.#queue.close();
    await this.#stopPulling();
  }

  async #reconcile(): Promise<{ requeueAfterMs: number } | void> {
    const cluster = this.#o.managedCluster();
    const deployer = cluster && whoDeploys(cluster);
    if (!deployer) return;
    if (deployer !== 'agent') await this.#stopPulling();
    if (deployer === 'parent') await this.#publish();
    else await this.#withdraw();
    if (deployer === 'agent') this.#startPulling();
    if (deployer !== this.#deployer) {
      this.#o.logger.info('responsibility for deploying', { deployer, syncMode: cluster.spec.syncMode });
      this.#deployer = deployer;
    }
    if (deployer !== 'parent') return;
    const untilRenewal = (this.#handedOut?.renewAt.getTime() ?? 0) - this.#o.now().getTime();
    return { requeueAfterMs: Math.max(1_000, Math.min(recheckMs, untilRenewal)) };
  }

  #startPulling(): void {
    if (this.#pulling) return;
    const { child, helm, parent, clusterName, namespace, recovery, qps, burst, signal, logger, metrics } = this.#o;
    const stack = new Stack();
    const client = stack.use(
      KubeClient.fromOptions({
        server: child.server,
        caPem: () => child.caPem,
        token: this.#tokens.token,
        qps,
        burst,
        userAgent: 'clusternet-agent-deployer',
      }),
    );
    if (metrics) stack.use(metrics.observeClient(client, 'child-deployer'));
    const recorder = stack.use(
      new EventRecorder({ client: parent, component: names.agent, logger, ...(metrics ? { metrics } : {}) }),
    );
    const descriptions = stack.use(
      new Informer<Description>({
        client: parent,
        resource: resources.descriptions,
        namespace,
        logger,
        ...(metrics ? { metrics } : {}),
      }),
    );
    const deployer = stack.use(
      new ClusterDeployer({
        child: client,
        parent,
        namespace,
        clusterName,
        descriptions,
        recorder,
        signal,
        logger,
        ...(metrics ? { metrics } : {}),
        recovery,
        retain: () => retainOnDeregistration(this.#o),
      }),
    );
    const releases = stack.use(
      new Informer<HelmRelease>({
        client: parent,
        resource: resources.helmReleases,
        namespace,
        logger,
        ...(metrics ? { metrics } : {}),
      }),
    );
    const charts = stack.use(
      new HelmDeployer({
        engine: helm,
        child: client,
        access: { server: child.server, caPem: () => child.caPem, token: this.#tokens.token, qps, burst },
        parent,
        namespace,
        clusterName,
        releases,
        credentials: (release, stop) => credentialsFromSecret({ parent, namespace }, release, stop),
        recorder,
        signal,
        logger,
        ...(metrics ? { metrics } : {}),
        retain: () => retainOnDeregistration(this.#o),
      }),
    );
    this.#pulling = stack;
    descriptions.start();
    releases.start();
    deployer.start();
    charts.start();
  }

  async #stopPulling(): Promise<void> {
    const stack = this.#pulling;
    this.#pulling = undefined;
    await stack?.close();
  }

  async #publish(): Promise<void> {
    const { advertiseUrl, child, clusterId, namespace, now, logger } = this.#o;
    const existing = await this.#secrets.find(this.#ref);
    if (existing && !isOwnSecret(existing)) {
      if (!this.#keptForeignSecret)
        logger.info("the parent has a credential for this cluster that is not the agent's to change", this.#ref);
      this.#keptForeignSecret = true;
      return;
    }
    if (!this.#handedOut || now() >= this.#handedOut.renewAt) {
      const [issued, serviceAccountUid] = await Promise.all([
        this.#tokens.issue(pushTokenLifeSeconds),
        this.#tokens.serviceAccountUid(),
      ]);
      this.#handedOut = { ...issued, serviceAccountUid };
    }
    const { token, serviceAccountUid } = this.#handedOut;
    const url = advertiseUrl ?? child.server;
    const wanted = childCredentialSecret({
      name: names.childClusterDeployer,
      clusterId,
      namespace,
      url,
      caPem: child.caPem,
      token,
      serviceAccount: { name: names.appDeployer, uid: serviceAccountUid },
    });
    if (existing && isSameCredential(existing, wanted)) return;
    await this.#secrets.apply(wanted, { fieldManager: fieldManagers.agent, force: true });
    logger.info('credential for deploying was handed to the parent', { namespace, url });
  }

  async #withdraw(): Promise<void> {
    this.#handedOut = undefined;
    const existing = await this.#secrets.find(this.#ref);
    if (!existing || !isOwnSecret(existing)) return;
    await this.#secrets.delete(this.#ref, { preconditions: { uid: existing.metadata.uid } });
    this.#o.logger.info('credential for deploying was withdrawn from the parent', { namespace: this.#o.namespace });
  }

  get #ref() {
    return { namespace: this.#o.namespace, name: names.childClusterDeployer };
  }

  get #secrets() {
    return this.#o.parent.resource<CredentialSecret>(core.secrets);
  }
}
