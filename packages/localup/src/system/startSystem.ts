// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installChart } from '../charts/installChart.ts';
import { startWorkload, type Workload } from '../charts/startWorkload.ts';
import { type Cluster, type ClusterOptions } from '../cluster.ts';
import { type ClusterSet, startClusters } from '../clusters.ts';
import { until, type KubeApi } from '../kubeApi.ts';
import { type Progress } from '../progress.ts';
import { Balancer } from './balancer.ts';
import { createBootstrapToken } from './bootstrapToken.ts';
import { exposeService } from './exposeService.ts';

const repository = resolve(import.meta.dirname, '../../../..');
const NAMESPACE = 'clusternet-system';
const parentServices = ['hub', 'scheduler', 'override-engine'] as const;

/** One child cluster of the system and how it joins. */
export interface ChildOptions {
  /** Name of the cluster, here and as registered. */
  name: string;
  /** KWOK nodes; without any, no pod runs there. */
  nodes?: number;
  /** What each of them offers. */
  capacity?: ClusterOptions['capacity'];
  /** What kwok does for its kubelets beyond making pods run. */
  kubelet?: ClusterOptions['kubelet'];
  syncMode?: 'Push' | 'Pull' | 'Dual';
  /** Replicas of its agent; default 1. */
  agents?: number;
  /** Labels of its ManagedCluster. */
  labels?: Record<string, string>;
}

/** What {@link startSystem} starts. */
export interface SystemOptions {
  /** Folder for everything the run writes, removed at its end; a temporary one if left out. */
  dir?: string;
  /** Folder for the logs, kept after the end; inside `dir` if left out. */
  logDir?: string;
  children: ChildOptions[];
  /** Writes the parent's audit log. */
  audit?: boolean;
  log: Progress;
  /** Replicas of the hub; default 1. */
  hubs?: number;
  /** Address by which agents reach the parent, made from its own: for a test that stands on the way. */
  wayToParent?: (server: string) => Promise<string>;
  /** Values for the parent's charts, by component. */
  values?: Partial<Record<(typeof parentServices)[number] | 'agent', Record<string, unknown>>>;
}

/** A service that runs as its chart says: `clusternet-hub`, …, and `clusternet-agent/<child>`; further replicas have `-2` and so on behind. */
export interface Service {
  readonly name: string;
  readonly process: Workload;
}

/** A running installation on real clusters: the parent's services and an agent in each child, all registered. */
export interface System extends AsyncDisposable {
  readonly clusters: ClusterSet;
  readonly parent: Cluster;
  readonly children: Cluster[];
  readonly services: Service[];
  readonly auditLogPath: string;
  /** Stops the services, then the clusters. */
  close(): Promise<void>;
}

/**
 * Starts the clusters, installs the charts with helm and runs each service from what its chart rendered; returns when every child is
 * registered and Ready.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { log } = options;
  assertBuilt();
  const clusters = await startClusters({
    dir: options.dir,
    logDir: options.logDir,
    parent: { auditLog: options.audit },
    children: options.children.map(({ name, nodes, capacity, kubelet }) => ({ name, nodes, capacity, kubelet })),
    log,
  });
  const services: Service[] = [];
  let balancer: Balancer | undefined;
  const close = async () => {
    await Promise.allSettled(services.map((service) => service.process.stop()));
    await balancer?.close();
    await clusters.close();
  };
  try {
    const { parent } = clusters;
    log('parent: installing the charts');
    // All replicas run on this machine, so each takes any port. The hub's chart comes first: the others need the namespaces that it makes.
    await install(parent, 'hub', { replicaCount: 1, sockets: { peerPort: 0 }, ...options.values?.hub });
    const started = parentServices.map(async (component) => {
      if (component !== 'hub') await install(parent, component, { replicaCount: 1, ...options.values?.[component] });
      return start(parent, component, `clusternet-${component}`);
    });
    services.push(...(await Promise.all(started)));
    const hubs = services.filter(({ name }) => name === 'clusternet-hub').map(({ process }) => process);
    for (let number = 2; number <= (options.hubs ?? 1); number++) {
      const further = await start(parent, 'hub', `clusternet-hub-${number}`);
      services.push(further);
      hubs.push(further.process);
    }
    if (hubs.length > 1) balancer = await Balancer.start(() => hubs.map(({ port }) => port));
    await exposeHub(parent, balancer?.port ?? hubs[0]?.port ?? 0);
    log('parent: hub, scheduler and override-engine are ready');
    const token = await createBootstrapToken(parent.api);
    const parentURL = (await options.wayToParent?.(parent.server)) ?? parent.server;
    await Promise.all(
      options.children.map(async (child, i) => {
        const cluster = clusters.children[i];
        if (cluster === undefined) throw new Error(`cluster ${child.name} was not started`);
        await install(cluster, 'agent', {
          replicaCount: 1,
          parentURL,
          parentCA: parent.caPem,
          registrationToken: token,
          clusterName: child.name,
          clusterLabels: Object.entries(child.labels ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(','),
          syncMode: child.syncMode ?? 'Dual',
          ...options.values?.agent,
        });
        services.push(await start(cluster, 'agent', `clusternet-agent/${child.name}`));
        for (let number = 2; number <= (child.agents ?? 1); number++) {
          services.push(await start(cluster, 'agent', `clusternet-agent/${child.name}-${number}`));
        }
      }),
    );
    await registered(parent.api, options.children.length);
    log(`parent: ${options.children.length} clusters are registered and Ready`);
    return {
      clusters,
      parent,
      children: clusters.children,
      services,
      auditLogPath: parent.auditLogPath ?? '',
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function bundle(component: string): string {
  return join(repository, 'packages', component, 'dist', 'main.js');
}

function assertBuilt(): void {
  const missing = [...parentServices, 'agent'].filter((component) => !existsSync(bundle(component)));
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}; run "pnpm build" first`);
}

async function install(cluster: Cluster, component: string, values: Record<string, unknown>): Promise<void> {
  await installChart({
    cluster,
    chartDir: join(repository, 'charts', `clusternet-${component}`),
    release: `clusternet-${component}`,
    namespace: NAMESPACE,
    values,
  });
}

async function start(cluster: Cluster, component: string, name: string): Promise<Service> {
  const process = await startWorkload({
    cluster,
    namespace: NAMESPACE,
    deployment: `clusternet-${component}`,
    entrypoints: { [`clusternet/clusternet-${component}`]: bundle(component) },
  });
  await process.waitReady();
  return { name, process };
}

/** The aggregated APIs that the hub's chart has brought, if any. */
async function exposeHub(parent: Cluster, port: number): Promise<void> {
  interface ApiServices {
    items: { metadata: { name: string }; spec: { service?: { name: string } } }[];
  }
  const service = 'clusternet-hub';
  const { items } = await parent.api.request<ApiServices>('GET', '/apis/apiregistration.k8s.io/v1/apiservices');
  const apiServices = items.filter(({ spec }) => spec.service?.name === service).map(({ metadata }) => metadata.name);
  if (apiServices.length > 0) await exposeService({ cluster: parent, namespace: NAMESPACE, service, apiServices, port });
}

/** Resolves when so many ManagedClusters are Ready. */
async function registered(parent: KubeApi, count: number): Promise<void> {
  await until({
    what: `${count} clusters registered and Ready (if not, see the logs of the agents and of the hub)`,
    timeoutMs: 300_000,
    question: async () => {
      const { items } = await parent.request<{ items: ManagedCluster[] }>(
        'GET',
        '/apis/clusters.clusternet.io/v1beta1/managedclusters',
      );
      const ready = items.filter((mc) => mc.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'));
      return ready.length >= count ? ready : undefined;
    },
  });
}

interface ManagedCluster {
  status?: { conditions?: { type: string; status: string }[] };
}
