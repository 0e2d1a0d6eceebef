// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type ClusterRegistrationRequest, type KubeObject, resources, stableStringify } from '@clusternet/api-types';
import { core, isForbidden, objectKey } from '@clusternet/client';
import { type EventRecorder } from '@clusternet/runtime';
import { clusterIdOf, requestNameOf } from '../approver/identity.ts';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { type Api } from '../kube/api.ts';
import { isDeleting, type Secret } from '../kube/objects.ts';
import { type AgentInstaller, InstallError } from './agentInstaller.ts';
import { KubeconfigError, readChildKubeconfig } from './childKubeconfig.ts';
import { type CapiCluster, clusterDefinition, isProvisioned, originLabels, registeredNameOf } from './cluster.ts';
import { type ClusterSource } from './clusterSources.ts';
import { nextConditions, type Progress, reportedReason } from './report.ts';

/** What {@link ClusterDiscovery} works with. */
export interface ClusterDiscoveryOptions {
  /** Of the management cluster, which may be the parent. */
  management: Pick<Api, 'resource'>;
  /** Writes events there. */
  recorder: Pick<EventRecorder, 'event'>;
  source: ClusterSource;
  /** Namespaces that are looked at; all when empty. */
  namespaces: readonly string[];
  installer: AgentInstaller;
  /** Makes a short-lived token to register with. */
  token: () => Promise<string>;
  /** The hub takes tunnels: gate `SocketConnection`. */
  tunnels: boolean;
  /** Values for the agent's chart, over those that follow from the cluster. */
  agentValues: Record<string, unknown>;
}

interface Installed {
  inputs: string;
  at: number;
}

/** How often an agent that is there is looked at again. */
const recheckMs = 10 * 60_000;
/** How often something outside is looked at that no event tells of. */
const waitMs = 15_000;
/** A token is good for an hour; it is renewed while it is still good. */
const tokenMs = 30 * 60_000;
/** Of clusters that `clusterctl move` takes to another management cluster: they live on. */
const moveAnnotation = 'clusterctl.cluster.x-k8s.io/delete-for-move';

/**
 * Registers the clusters that Cluster API made: one registration for each Cluster object, by an agent that is installed with the cluster's own
 * kubeconfig. A Cluster that goes is deregistered.
 */
export class ClusterDiscovery implements Controller {
  readonly #context: ControllerContext;
  readonly #o: ClusterDiscoveryOptions;
  readonly #queue: ControllerQueue;
  readonly #installed = new Map<string, Installed>();
  readonly #tokenAt = new Map<string, number>();
  /** Ids of clusters that were moved away, not deleted. */
  readonly #moved = new Set<string>();
  #held = '';

  constructor(context: ControllerContext, options: ClusterDiscoveryOptions) {
    this.#context = context;
    this.#o = options;
    this.#queue = new ControllerQueue(context, {
      name: 'cluster-api',
      workers: 4,
      quietMs: 200,
      reconcile: (key, stop) => this.reconcile(key, stop),
    });
  }

  start(): void {
    this.#queue.start(
      this.#context.stores.requests.onChange(({ object }) => {
        const cluster = this.#withId(clusterIdOf(object.metadata.name));
        if (cluster) this.#queue.add(objectKey(cluster));
      }),
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** A Cluster came, changed or went. */
  changed(cluster: CapiCluster): void {
    this.#queue.add(objectKey(cluster));
  }

  /** Brings one Cluster, by namespace and name, as far as it can go. */
  async reconcile(key: string, signal: AbortSignal): Promise<{ requeueAfterMs?: number } | void> {
    const { version } = this.#o.source;
    if (version === undefined) return { requeueAfterMs: waitMs };
    const cluster = this.#o.source.list().find((one) => objectKey(one) === key);
    if (!cluster) return this.sweep();
    const { uid = '' } = cluster.metadata;
    if (isDeleting(cluster)) return this.#leave(cluster, uid);
    const progress = await this.#bring(cluster, uid, signal);
    await this.#report(cluster, { progress, version });
    if (progress.reason === 'Registered') return { requeueAfterMs: recheckMs };
    return progress.reason === 'WaitingForInfrastructure' ? undefined : { requeueAfterMs: waitMs };
  }

  /** Deregisters clusters whose Cluster object went while nobody looked. Many at once are rather a mistake: they are told of and kept. */
  async sweep(): Promise<void> {
    const { management, source, namespaces } = this.#o;
    const { version } = source;
    if (version === undefined) return;
    const present = new Set(source.list().map(({ metadata }) => metadata.uid));
    const registered = this.#context.stores.requests.list().flatMap((request) => {
      const { [originLabels.name]: name, [originLabels.namespace]: namespace } = request.spec?.clusterLabels ?? {};
      const id = clusterIdOf(request.metadata.name);
      const looked = namespaces.length === 0 || namespaces.includes(namespace ?? '');
      return name && namespace && id !== undefined && looked ? [{ request, id, ref: { name, namespace } }] : [];
    });
    const candidates = registered.filter(({ request, id }) => !present.has(id) && !this.#moved.has(id) && !isDeleting(request));
    const gone: typeof candidates = [];
    for (const candidate of candidates) {
      const live = await management.resource<CapiCluster>(clusterDefinition(version)).find(candidate.ref);
      if (live?.metadata.uid !== candidate.id) gone.push(candidate);
    }
    if (gone.length > 1 && gone.length > registered.length / 2) return this.#hold(gone.map(({ request }) => request));
    for (const { id, ref } of gone) await this.#deregister(id, objectKey(ref));
  }

  async #leave(cluster: CapiCluster, uid: string): Promise<void> {
    if (cluster.metadata.annotations?.[moveAnnotation] !== undefined) {
      this.#moved.add(uid);
      return;
    }
    if (await this.#deregister(uid, objectKey(cluster))) {
      const message = 'the cluster is being deleted: it is deregistered';
      this.#o.recorder.event(cluster, { type: 'Normal', reason: 'Deregistered', message });
    }
  }

  async #deregister(clusterId: string, cluster: string): Promise<boolean> {
    this.#installed.delete(clusterId);
    this.#tokenAt.delete(clusterId);
    const request = this.#request(clusterId);
    if (!request || isDeleting(request)) return false;
    this.#context.logger.info('the Cluster is gone: deregistering', { cluster, clusterId });
    await this.#context.api.resource(resources.clusterRegistrationRequests).delete({ name: request.metadata.name });
    return true;
  }

  #hold(requests: readonly ClusterRegistrationRequest[]): void {
    const names = requests.map(({ metadata }) => metadata.name).sort();
    if (this.#held === names.join()) return;
    this.#held = names.join();
    const message =
      `${requests.length} Cluster objects vanished at once without being deleted: taken for a mistake, their clusters stay registered. ` +
      'Delete this request if the cluster is really gone';
    this.#context.logger.warn('clusters vanished from Cluster API and stay registered', { clusters: requests.length });
    for (const request of requests)
      this.#context.recorder.event(request, { type: 'Warning', reason: 'ClusterVanished', message });
  }

  async #bring(cluster: CapiCluster, uid: string, signal: AbortSignal): Promise<Progress> {
    const request = this.#request(uid);
    const approved = request?.status?.result === 'Approved' && request.status.managedClusterName !== undefined;
    const stands = (reason: string, message: string): Progress => ({ registered: approved, reason, message });
    if (!isProvisioned(cluster)) {
      return stands('WaitingForInfrastructure', 'the cluster is registered once its infrastructure is provisioned');
    }
    try {
      await this.#install(cluster, { uid, approved, signal });
    } catch (error) {
      if (error instanceof InstallError) return stands(error.reason, error.message);
      throw error;
    }
    const { managedClusterName, dedicatedNamespace, errorMessage } = request?.status ?? {};
    if (approved) return stands('Registered', `registered as ManagedCluster ${dedicatedNamespace}/${managedClusterName}`);
    if (errorMessage) return stands('NotApproved', `ClusterRegistrationRequest ${request?.metadata.name}: ${errorMessage}`);
    const message =
      'the agent is installed in the cluster; it has not asked to be registered yet: see its pods in clusternet-system';
    return stands('WaitingForAgent', message);
  }

  async #install(cluster: CapiCluster, o: { uid: string; approved: boolean; signal: AbortSignal }): Promise<void> {
    const { installer, token } = this.#o;
    const { uid, approved, signal } = o;
    const kubeconfig = await this.#kubeconfig(cluster, signal);
    const values = this.#values(cluster, uid);
    const inputs = createHash('sha256')
      .update(stableStringify([kubeconfig, values]))
      .digest('hex');
    const now = this.#context.now().getTime();
    const before = this.#installed.get(uid);
    const tokenAt = this.#tokenAt.get(uid);
    const tokenDue = !approved && (tokenAt === undefined || now - tokenAt > tokenMs);
    if (before?.inputs === inputs && now - before.at < recheckMs && !tokenDue) return;
    try {
      const access = readChildKubeconfig(kubeconfig);
      await installer.install({ access, clusterId: uid, values, ...(tokenDue ? { token } : {}) }, signal);
    } catch (error) {
      this.#installed.delete(uid);
      if (!(error instanceof KubeconfigError)) throw error;
      throw new InstallError(
        'KubeconfigInvalid',
        `the kubeconfig in Secret ${secretOf(cluster)} cannot be used: ${error.message}`,
      );
    }
    this.#installed.set(uid, { inputs, at: now });
    if (tokenDue) this.#tokenAt.set(uid, now);
  }

  async #kubeconfig(cluster: CapiCluster, signal: AbortSignal): Promise<string> {
    const { namespace } = cluster.metadata;
    const name = secretOf(cluster);
    let secret: Secret | undefined;
    try {
      secret = await this.#o.management.resource<Secret>(core.secrets).find({ name, namespace }, { signal });
    } catch (error) {
      if (!isForbidden(error)) throw error;
      const message = `the hub may not read Secret ${name}: name namespace ${namespace} in clusterAPI.namespaces of its chart`;
      throw new InstallError('KubeconfigForbidden', message, { cause: error });
    }
    if (!secret) throw new InstallError('KubeconfigMissing', `there is no Secret ${name} with the kubeconfig of the cluster`);
    const value = Buffer.from(secret.data?.['value'] ?? '', 'base64').toString('utf8');
    if (value === '') throw new InstallError('KubeconfigInvalid', `Secret ${name} has no kubeconfig under the key "value"`);
    return value;
  }

  #values(cluster: CapiCluster, uid: string): Record<string, unknown> {
    const { tunnels, source, agentValues } = this.#o;
    const { name, namespace = '' } = cluster.metadata;
    // A name that was given stays, whichever other Clusters come and go.
    const clusterName = this.#request(uid)?.spec?.clusterName ?? registeredNameOf(cluster, source.list());
    const own = {
      clusterName,
      clusterLabels: { [originLabels.name]: name, [originLabels.namespace]: namespace },
      // Without a tunnel nobody knows whether the hub's pods and the cluster reach each other for good.
      syncMode: tunnels ? 'Dual' : 'Pull',
      featureGates: { SocketConnection: tunnels, Predictor: tunnels },
    };
    return merged(own, agentValues) as Record<string, unknown>;
  }

  async #report(cluster: CapiCluster, { progress, version }: { progress: Progress; version: string }): Promise<void> {
    const conditions = nextConditions(cluster, progress, { version, now: this.#context.now() });
    if (!conditions) return;
    const { name, namespace, resourceVersion } = cluster.metadata;
    await this.#o.management
      .resource<CapiCluster>(clusterDefinition(version))
      .patch(
        { name, namespace },
        { metadata: { resourceVersion }, status: { conditions } },
        { type: 'merge', subresource: 'status', fieldManager: 'clusternet-hub' },
      );
    const { reason, message } = progress;
    if (reportedReason(cluster) === reason) return;
    const good = ['Registered', 'WaitingForAgent', 'WaitingForInfrastructure'].includes(reason);
    this.#context.logger.info('cluster of Cluster API', { cluster: objectKey(cluster), reason });
    this.#o.recorder.event(cluster, { type: good ? 'Normal' : 'Warning', reason, message });
  }

  #request(clusterId: string): ClusterRegistrationRequest | undefined {
    return this.#context.stores.requests.get(requestNameOf(clusterId));
  }

  #withId(clusterId: string | undefined): CapiCluster | undefined {
    return clusterId === undefined ? undefined : this.#o.source.list().find(({ metadata }) => metadata.uid === clusterId);
  }
}

/** Asks for tokens of the ServiceAccount that may register clusters. */
export function bootstrapTokens(
  api: Pick<Api, 'request'>,
  { namespace, account }: { namespace: string; account: string },
): () => Promise<string> {
  return async () => {
    const { status } = await api.request<{ status?: { token?: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
    });
    if (!status?.token) throw new Error(`the API server gave no token of ServiceAccount ${namespace}/${account}`);
    return status.token;
  };
}

function secretOf({ metadata }: KubeObject): string {
  return `${metadata.name}-kubeconfig`;
}

function merged(a: unknown, b: unknown): unknown {
  if (!isFields(a) || !isFields(b)) return b;
  const result: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) result[key] = key in result ? merged(result[key], value) : value;
  return result;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
