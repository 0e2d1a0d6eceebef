// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterRegistrationRequest, fieldManagers, type KubeObject, labels, names, resources } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { finalizerPatch } from '../kube/finalizer.ts';
import { messageOf } from '../kube/forEachLimited.ts';
import { isLostRace, staleMs } from '../kube/lostRace.ts';
import { byAge, isDeleting, isTerminating, type Namespace, type TokenRequest } from '../kube/objects.ts';
import { type Store } from '../kube/api.ts';
import { indexes } from '../stores.ts';
import { belongsTo, ClusterResources, pinnedKey } from './clusterResources.ts';
import { renewalTime, sealToken, type Credential } from './credentials.ts';
import { type ApprovalMode, decide, type Decision, PendingError } from './decision.ts';
import { clusterNameOf } from './desired.ts';
import { Deregistration } from './deregistration.ts';
import { clusterIdOf, malformed, requestedLabels, requestNameOf } from './identity.ts';
import { type PublicKey, PublicKeyError, readPublicKey } from './publicKey.ts';
import { type ClusterIdentity } from './rbac.ts';
import { type RequestStatus, statusPatch } from './requestStatus.ts';

/** Settings of the approver. */
export interface ApproverSettings {
  approval: ApprovalMode;
  /** Life of a child's credential in the parent, in milliseconds; it is renewed at half of it. */
  credentialLifetimeMs: number;
  allowClearCredentials: boolean;
  /** New clusters are to be initialised before anything is placed there: gate `ClusterInit`. */
  clusterInit?: boolean;
  /** Namespaces that no child may get as its own. */
  reservedNamespaces: readonly string[];
  /** Tells the CA by which the parent's API server is verified; every child gets it with its credential. */
  parent: Pick<KubeClient, 'caPem' | 'onCaChange'>;
}

// A request that waits for somebody else is looked at again by events; this is for what no event tells.
const waitMs = 60_000;
// What fails for some seconds only, as while an API server restarts, is no news for an operator.
const alarmingAttempt = 5;
const longestWaitMs = 24 * 3_600_000;

/**
 * Turns ClusterRegistrationRequests into clusters: namespace, ServiceAccount, rights, ManagedCluster, credential. It
 * keeps them like that for as long as the request exists, and takes them away with it.
 */
export class Approver implements Controller {
  readonly #context: ControllerContext;
  readonly #settings: ApproverSettings;
  readonly #clusterResources: ClusterResources;
  readonly #deregistration: Deregistration;
  readonly #queue: ControllerQueue;
  // Names given away in this term that the caches may not show yet: two requests must not get the same one.
  readonly #claims = new Map<string, string>();

  constructor(context: ControllerContext, settings: ApproverSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#clusterResources = new ClusterResources(
      context,
      [...settings.reservedNamespaces, names.systemNamespace, names.reservedNamespace, names.multiClusterServiceNamespace],
      settings.clusterInit,
    );
    this.#deregistration = new Deregistration(context, this.#clusterResources);
    this.#queue = new ControllerQueue(context, {
      name: 'approver',
      workers: 4,
      reconcile: (key, _signal, attempt) => this.reconcile(key, attempt),
    });
  }

  start(): void {
    const { stores } = this.#context;
    const owned: Store<KubeObject>[] = [
      stores.namespaces,
      stores.managedClusters,
      stores.serviceAccounts,
      stores.clusterRoles,
      stores.clusterRoleBindings,
      stores.roles,
      stores.roleBindings,
    ];
    // A name became free: whoever waits for it may go on.
    const released = (name = ''): void => {
      for (const request of stores.requests.byIndex(indexes.clusterName, name)) this.#queue.add(request.metadata.name);
    };
    this.#queue.start(
      stores.requests.onChange(({ type, object }) => {
        this.#queue.add(object.metadata.name);
        if (type === 'deleted') released(object.spec?.clusterName);
      }),
      ...owned.map((store) => store.onChange(({ object }) => this.#enqueueOwner(object))),
      // Renewed all the time; only its end matters here.
      stores.heartbeats.onChange(({ type, object }) => {
        if (type === 'deleted') this.#enqueueOwner(object);
      }),
      stores.namespaces.onChange(({ type, object }) => {
        if (type === 'deleted') released(object.metadata.labels?.[labels.clusterName]);
      }),
      this.#settings.parent.onCaChange(() => {
        this.#context.logger.info('the CA of the parent changed: telling the children');
        for (const request of stores.requests.list()) this.#queue.add(request.metadata.name);
      }),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Brings one request, by name, as far as it can go. `attempt` counts the failures in a row before this pass. */
  async reconcile(name: string, attempt = 0): Promise<{ requeueAfterMs?: number } | void> {
    const request = this.#context.stores.requests.get(name);
    const clusterId = clusterIdOf(name);
    if (!request) {
      for (const [clusterName, holder] of this.#claims) if (holder === clusterId) this.#claims.delete(clusterName);
      return;
    }
    if (isDeleting(request)) return clusterId === undefined ? undefined : this.#deregistration.advance(request, clusterId);
    try {
      return await this.#decide(request, clusterId ?? '');
    } catch (error) {
      if (isLostRace(error)) throw error;
      if (attempt >= alarmingAttempt) {
        const message = `the registration cannot go on: ${messageOf(error)}`;
        this.#context.recorder.event(request, { type: 'Warning', reason: 'RegistrationFailed', message });
      }
      throw error;
    }
  }

  async #decide(request: ClusterRegistrationRequest, clusterId: string): Promise<{ requeueAfterMs?: number } | void> {
    const { key, problem } = await keyOf(request);
    const bad = malformed(request) ?? problem;
    const namespace = this.#context.stores.namespaces.byIndex(indexes.clusterId, clusterId).sort(byAge).find(isUsable);
    const input = {
      request,
      malformed: bad,
      thumbprint: key?.thumbprint,
      pinned: pinnedKey(namespace),
      namespace: namespace?.metadata.name,
      nameHolder: namespace || bad !== undefined ? undefined : this.#claimName(clusterNameOf(request, clusterId), clusterId),
      approval: this.#settings.approval,
      allowClearCredentials: this.#settings.allowClearCredentials,
    };
    let decision = decide(input);
    if (decision.kind === 'wait' && decision.reason === 'PublicKeyChanged') {
      // The pin may have been changed by the last pass, or by a person, before the cache shows it.
      const live = await this.#context.api.resource<Namespace>(core.namespaces).find({ name: input.namespace ?? '' });
      decision = decide({ ...input, pinned: pinnedKey(live) });
    }
    if (decision.kind === 'approve') {
      const held = await this.#addFinalizer(request);
      try {
        return await this.#approve(held, { clusterId, key, namespace });
      } catch (error) {
        if (!(error instanceof PendingError)) throw error;
        await this.#reject(held, { kind: 'wait', reason: error.reason, message: error.message });
        return { requeueAfterMs: waitMs };
      }
    }
    if (decision.kind === 'denied') {
      await this.#clusterResources.revoke({ clusterId }, this.#context.stores.namespaces.byIndex(indexes.clusterId, clusterId));
    }
    await this.#reject(request, decision);
    return decision.kind === 'wait' && decision.reason === 'DuplicateClusterName' ? { requeueAfterMs: waitMs } : undefined;
  }

  async #approve(
    request: ClusterRegistrationRequest,
    o: { clusterId: string; key?: PublicKey; namespace?: Namespace },
  ): Promise<{ requeueAfterMs?: number }> {
    const { recorder, stores } = this.#context;
    const { clusterId, key } = o;
    const terminating = stores.namespaces.byIndex(indexes.clusterId, clusterId).filter(isTerminating);
    if (!o.namespace && terminating.length > 0) {
      // Deleted by somebody while the cluster is still registered: help it end, then make it anew.
      for (const { metadata } of terminating) await this.#deregistration.releaseContent(metadata.name);
      return { requeueAfterMs: 1_000 };
    }
    const clusterName = o.namespace?.metadata.labels?.[labels.clusterName] ?? clusterNameOf(request, clusterId);
    const namespace =
      o.namespace ?? (await this.#clusterResources.createNamespace(request, { clusterId, clusterName }, key?.thumbprint));
    const cluster: ClusterIdentity = { clusterId, clusterName, namespace: namespace.metadata.name };
    const { caPem } = this.#settings.parent;
    await this.#clusterResources.repairNamespace(namespace, cluster, key?.thumbprint);
    const [serviceAccount, managedCluster] = await Promise.all([
      this.#clusterResources.ensureServiceAccount(cluster),
      this.#clusterResources.ensureManagedCluster(cluster, request),
      this.#clusterResources.ensureRbac(cluster),
      this.#clusterResources.ensureHeartbeat(cluster, caPem),
    ]);
    const registered = request.status?.result === 'Approved' && request.status.managedClusterName !== undefined;
    if (managedCluster === 'created' && registered) {
      recorder.event(request, {
        type: 'Warning',
        reason: 'ManagedClusterRestored',
        message: `ManagedCluster ${cluster.namespace}/${clusterName} was missing and is made anew; delete this request to deregister the cluster`,
      });
    }
    this.#reportIgnored(request, cluster);

    const wanted = { thumbprint: key?.thumbprint, serviceAccountUid: serviceAccount.metadata.uid ?? '' };
    const { encryptedToken, token, expirationTimestamp = '' } = request.status ?? {};
    let credential: Credential = { encryptedToken, token, expirationTimestamp };
    const due = renewalTime(request.status, wanted).getTime() <= this.#context.now().getTime();
    if (due) {
      // A pass that comes before the cache shows what the last one wrote must not issue a second credential.
      if (!(await this.#isCurrent(request))) return { requeueAfterMs: staleMs };
      credential = await this.#issue(cluster, key, wanted.serviceAccountUid);
    }
    const status: RequestStatus = {
      result: 'Approved',
      dedicatedNamespace: cluster.namespace,
      managedClusterName: clusterName,
      ...(caPem ? { caCertificate: Buffer.from(caPem).toString('base64') } : {}),
      ...credential,
    };
    await this.#writeStatus(request, status);
    if (!registered) {
      recorder.event(request, {
        type: 'Normal',
        reason: 'Approved',
        message: `cluster ${clusterName} is registered in namespace ${cluster.namespace}`,
      });
    } else if (due) {
      recorder.event(request, {
        type: 'Normal',
        reason: 'CredentialIssued',
        message: `a new credential was issued; it ends at ${credential.expirationTimestamp}`,
      });
    }
    const next = renewalTime({ ...request.status, ...status }, wanted).getTime() - this.#context.now().getTime();
    // A token that cannot be read back, or one the API server made shorter than a minute, must not turn into a busy loop.
    return { requeueAfterMs: Math.min(Math.max(next, 30_000), longestWaitMs) };
  }

  /** Before anything is made for a request: its deletion must not be missed. */
  async #addFinalizer(request: ClusterRegistrationRequest): Promise<ClusterRegistrationRequest> {
    const patch = finalizerPatch(request);
    if (patch === undefined) return request;
    return this.#context.api
      .resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests)
      .patch({ name: request.metadata.name }, patch, { type: 'merge', fieldManager: fieldManagers.hub });
  }

  async #isCurrent({ metadata }: ClusterRegistrationRequest): Promise<boolean> {
    const live = await this.#context.api
      .resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests)
      .find({ name: metadata.name });
    return live?.metadata.resourceVersion === metadata.resourceVersion;
  }

  async #issue(cluster: ClusterIdentity, key: PublicKey | undefined, serviceAccountUid: string): Promise<Credential> {
    const { status } = await this.#context.api.request<TokenRequest>({
      method: 'POST',
      path: `/api/v1/namespaces/${cluster.namespace}/serviceaccounts/${cluster.namespace}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: Math.max(600, Math.floor(this.#settings.credentialLifetimeMs / 1000)) },
      },
    });
    if (!status?.token || !status.expirationTimestamp) throw new Error('the API server answered a TokenRequest without a token');
    return sealToken(status.token, {
      key,
      expirationTimestamp: status.expirationTimestamp,
      serviceAccountUid,
      now: this.#context.now(),
    });
  }

  async #reject(request: ClusterRegistrationRequest, decision: Exclude<Decision, { kind: 'approve' }>): Promise<void> {
    const denied = decision.kind !== 'wait';
    const wanted: RequestStatus = { errorMessage: decision.message, ...(denied ? { result: 'Denied' } : {}) };
    if (statusPatch(request, wanted) === undefined) return;
    await this.#writeStatus(request, wanted);
    const reason = decision.kind === 'denied' ? 'Denied' : decision.reason;
    this.#context.recorder.event(request, { type: 'Warning', reason, message: decision.message });
    this.#context.logger.info('registration request not approved', { request: request.metadata.name, reason });
  }

  async #writeStatus(request: ClusterRegistrationRequest, wanted: RequestStatus): Promise<void> {
    const patch = statusPatch(request, wanted);
    if (patch === undefined) return;
    await this.#context.api
      .resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests)
      .patch({ name: request.metadata.name }, patch, { type: 'merge', subresource: 'status', fieldManager: fieldManagers.hub });
  }

  /** Says which wishes of the request are not followed. */
  #reportIgnored(request: ClusterRegistrationRequest, cluster: ClusterIdentity): void {
    const ignored: string[] = [];
    const { clusterName, clusterNamespace } = request.spec ?? {};
    if (clusterName && clusterName !== cluster.clusterName) ignored.push(`the cluster keeps the name ${cluster.clusterName}`);
    if (clusterNamespace && clusterNamespace !== cluster.namespace)
      ignored.push(`the cluster keeps the namespace ${cluster.namespace}`);
    const { dropped } = requestedLabels(request);
    if (dropped.length > 0) ignored.push(`labels that a cluster may not set are left out: ${dropped.slice(0, 10).join(', ')}`);
    if (ignored.length === 0) return;
    this.#context.recorder.event(request, { type: 'Warning', reason: 'RequestPartlyIgnored', message: ignored.join('; ') });
  }

  /** The id of the other cluster that has this name, or `undefined` after giving the name to this one. */
  #claimName(clusterName: string, clusterId: string): string | undefined {
    const { stores } = this.#context;
    for (const store of [stores.namespaces, stores.managedClusters]) {
      for (const { metadata } of store.byIndex(indexes.clusterName, clusterName)) {
        const holder = metadata.labels?.[labels.clusterId];
        if (holder !== undefined && holder !== clusterId) return holder;
      }
    }
    const claimed = this.#claims.get(clusterName);
    if (claimed !== undefined && claimed !== clusterId && this.#stillWants(claimed, clusterName)) return claimed;
    this.#claims.set(clusterName, clusterId);
    return undefined;
  }

  #stillWants(clusterId: string, clusterName: string): boolean {
    const other = this.#context.stores.requests.get(requestNameOf(clusterId));
    if (!other || isDeleting(other) || other.status?.result === 'Denied') return false;
    return clusterNameOf(other, clusterId) === clusterName;
  }

  #enqueueOwner(object: KubeObject): void {
    const clusterId = object.metadata.labels?.[labels.clusterId];
    if (clusterId) this.#queue.add(requestNameOf(clusterId));
  }
}

function isUsable(namespace: Namespace): boolean {
  return !isTerminating(namespace) && belongsTo(namespace, namespace.metadata.labels?.[labels.clusterId] ?? '');
}

async function keyOf(request: ClusterRegistrationRequest): Promise<{ key?: PublicKey; problem?: string }> {
  const text = request.spec?.publicKey;
  if (!text) return {};
  try {
    return { key: await readPublicKey(text) };
  } catch (error) {
    if (error instanceof PublicKeyError) return { problem: error.message };
    throw error;
  }
}
