// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type ClusterRegistrationRequest,
  conditionTypes,
  fieldManagers,
  labels,
  type ManagedCluster,
  resources,
} from '@clusternet/api-types';
import { findCondition, type NewCondition, setCondition } from '@clusternet/runtime';
import { byAge, isDeleting, isTerminating } from '../kube/objects.ts';
import { requestNameOf } from '../approver/identity.ts';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { indexes } from '../stores.ts';
import { type ChildAccess, childAccess, credentialsMissing, fingerprint, type NoAccess } from './childAccess.ts';
import { whoDeploys } from './mode.ts';

const pushCondition = conditionTypes.parentDeploys;

// A cluster that has just joined, or changed its sync mode, hands over its credentials within this time.
const credentialGraceMs = 60_000;
const waitingForCredentials = 'WaitingForCredentials';

/** A deployer at work for one child. */
export interface RunningDeployer {
  start(): void;
  close(): Promise<void>;
}

/** Makes the deployer of one child. */
export type DeployerFactory = (o: {
  access: ChildAccess;
  /** The token of now; the child's agent renews it. */
  token: () => string;
  /** Dedicated namespace. */
  namespace: string;
  clusterName: string;
  /** True when what is deployed in the child must stay although its Description goes. */
  retain: () => Promise<boolean>;
}) => RunningDeployer;

/** Runs a deployer for each child to which the parent deploys, with the credentials that the child's agent keeps here. */
export class PushController implements Controller {
  readonly #context: ControllerContext;
  readonly #createDeployer: DeployerFactory;
  readonly #queue: ControllerQueue;
  readonly #running = new Map<string, { fingerprint: string; clusterName: string; token: string; deployer: RunningDeployer }>();
  /** When the credentials of a dedicated namespace were first missed. */
  readonly #missedSince = new Map<string, number>();

  constructor(context: ControllerContext, createDeployer: DeployerFactory) {
    this.#context = context;
    this.#createDeployer = createDeployer;
    this.#queue = new ControllerQueue(context, {
      name: 'push',
      workers: 4,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { childSecrets, managedClusters, namespaces } = this.#context.stores;
    this.#queue.start(
      managedClusters.onChange(({ object }) => this.#queue.add(object.metadata.namespace ?? '')),
      childSecrets.onChange(({ object }) => this.#queue.add(object.metadata.namespace ?? '')),
      namespaces.onChange(({ key }) => this.#queue.add(key)),
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await Promise.all([...this.#running.keys()].map((namespace) => this.#stop(namespace)));
  }

  /** Starts, replaces or stops the deployer of one dedicated namespace. */
  async reconcile(namespace: string): Promise<{ requeueAfterMs?: number } | void> {
    const cluster = this.#clusterOf(namespace);
    const responsible = cluster && whoDeploys(cluster);
    if (responsible?.who !== 'parent') this.#missedSince.delete(namespace);
    if (!cluster || !responsible) return this.#stop(namespace);
    if (responsible.who === 'agent' || responsible.who === 'unknown') {
      await this.#stop(namespace);
      return this.#report(cluster, undefined);
    }
    if (responsible.who === 'nobody') {
      await this.#stop(namespace);
      return this.#report(cluster, { status: 'False', reason: responsible.reason, message: responsible.message });
    }
    const access = childAccess(cluster, this.#context.stores.childSecrets.byIndex(indexes.namespace, namespace)[0]);
    if (!('server' in access)) {
      await this.#stop(namespace);
      return this.#reportNoAccess(cluster, namespace, access);
    }
    this.#missedSince.delete(namespace);
    const current = this.#running.get(namespace);
    const print = fingerprint(access);
    if (current?.fingerprint !== print || current.clusterName !== cluster.metadata.name) {
      await this.#stop(namespace);
      const clusterName = cluster.metadata.name;
      const deployer = this.#createDeployer({
        access,
        token: () => this.#running.get(namespace)?.token ?? access.token,
        namespace,
        clusterName,
        retain: async () => this.#retain(namespace),
      });
      deployer.start();
      this.#running.set(namespace, { fingerprint: print, clusterName, token: access.token, deployer });
      this.#context.logger.info('deployer started', { cluster: clusterName, namespace, server: access.server });
    } else {
      current.token = access.token;
    }
    await this.#report(cluster, { status: 'True', reason: 'Deploying', message: 'the hub deploys to this cluster' });
  }

  /** The cluster that a dedicated namespace belongs to, by the namespace's labels; those of the cluster prove nothing. */
  #clusterOf(namespace: string): ManagedCluster | undefined {
    const { managedClusters, namespaces } = this.#context.stores;
    const name = namespaces.get(namespace)?.metadata.labels?.[labels.clusterName];
    if (name === undefined) return undefined;
    return managedClusters.get(`${namespace}/${name}`) ?? managedClusters.byIndex(indexes.namespace, namespace).sort(byAge)[0];
  }

  /** A cluster that is being taken out keeps what runs in it. */
  #retain(name: string): boolean {
    const namespace = this.#context.stores.namespaces.get(name);
    const clusterId = namespace?.metadata.labels?.[labels.clusterId];
    if (!namespace || !clusterId || isTerminating(namespace)) return true;
    const request: ClusterRegistrationRequest | undefined = this.#context.stores.requests.get(requestNameOf(clusterId));
    return request === undefined || isDeleting(request);
  }

  async #stop(namespace: string): Promise<void> {
    const current = this.#running.get(namespace);
    if (!current) return;
    this.#running.delete(namespace);
    await current.deployer.close();
    this.#context.logger.info('deployer stopped', { cluster: current.clusterName, namespace });
  }

  /** Credentials that are on their way are waited for without alarm. */
  async #reportNoAccess(
    cluster: ManagedCluster,
    namespace: string,
    access: NoAccess,
  ): Promise<{ requeueAfterMs?: number } | void> {
    if (access.reason !== credentialsMissing) {
      this.#missedSince.delete(namespace);
      return this.#report(cluster, { status: 'False', ...access });
    }
    const now = this.#context.now().getTime();
    const since = this.#missedSince.get(namespace) ?? now;
    this.#missedSince.set(namespace, since);
    const remainingMs = since + credentialGraceMs - now;
    if (remainingMs <= 0) return this.#report(cluster, { status: 'False', ...access });
    const message = 'waits for the credentials that the agent of the cluster hands over';
    await this.#report(cluster, { status: 'False', reason: waitingForCredentials, message });
    return { requeueAfterMs: remainingMs };
  }

  async #report(cluster: ManagedCluster, wanted: Pick<NewCondition, 'status' | 'reason' | 'message'> | undefined): Promise<void> {
    const present = cluster.status?.conditions;
    if (!wanted && !findCondition(present, pushCondition)) return;
    const next = wanted ? setCondition(present, { type: pushCondition, ...wanted }, this.#context.now()) : undefined;
    if (next && !next.changed) return;
    const { name, namespace, uid } = cluster.metadata;
    await this.#context.api.resource(resources.managedClusters).apply(
      {
        apiVersion: apiVersionOf(resources.managedClusters),
        kind: resources.managedClusters.kind,
        metadata: { name, namespace, uid },
        status: { conditions: next?.conditions.filter(({ type }) => type === pushCondition) ?? [] },
      },
      // A manager of its own: what one controller does not mention must not take away what another one said.
      { fieldManager: `${fieldManagers.hub}-push`, force: true, subresource: 'status' },
    );
    if (wanted && wanted.status !== 'True' && wanted.reason !== waitingForCredentials) {
      this.#context.recorder.event(cluster, { type: 'Warning', reason: wanted.reason, message: wanted.message });
    }
  }
}
