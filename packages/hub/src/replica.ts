// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates, groups, type Manifest, names, resources, versions } from '@clusternet/api-types';
import { type ApiServer, createApiServer } from '@clusternet/apiserver';
import { KubeClient } from '@clusternet/client';
import { closeAll, type CommonConfig, type Informer, type ServiceContext, Stack, toError } from '@clusternet/runtime';
import { type HubConfig } from './config.ts';
import { feedIndexers } from './feedInventory/feedInventoryController.ts';
import { startPeers, type Peers } from './peers/startPeers.ts';
import { ChildConnections } from './sockets/childConnections.ts';
import { createClusterInformers } from './sockets/clusters.ts';
import { SessionGuard } from './sockets/sessionGuard.ts';
import { SocketRegistry } from './sockets/socketRegistry.ts';
import { socketsApi } from './sockets/socketsApi.ts';
import { shadowApi, type ShadowApi } from './shadow/shadowApi.ts';
import { type Connectivity } from './sockets/connectedController.ts';
import { type Streams } from './sockets/streams.ts';

/** Questions per second about who may do what: a thousand agents that return at once are a thousand users nobody was asked about yet. */
const reviewRate = 500;
/** Requests per second for Leases. */
const leaseRate = 200;
/** Requests per second in the name of those who use the shadow API; the parent itself bounds what it takes. */
const shadowRate = 1_000;

/** What {@link startReplica} needs. */
export type ReplicaOptions = Omit<ServiceContext<HubConfig & CommonConfig>, 'elect'> & { version: string };

/** What every replica does, whether it leads or not. */
export interface Replica {
  /** Opens streams to children. */
  readonly streams: Streams;
  /** Tells which children are connected; undefined where tunnels are off. */
  readonly connectivity?: Connectivity;
  /** All Manifests, with the indexes of feeds; undefined where there is no shadow API. */
  readonly manifests?: Informer<Manifest>;
  close(): Promise<void>;
}

/** Serves the aggregated API, with health and metrics, and holds the tunnels of agents. */
export async function startReplica(o: ReplicaOptions): Promise<Replica> {
  const { config, client, logger, metrics, health, gates, version, signal } = o;
  const stack = new Stack();
  const enabled = gates.enabled(featureGates.socketConnection);
  const reviewClient = stack.use(await ownClient(o, reviewRate));
  const registry = new SocketRegistry({ logger, metrics });
  const clusters = createClusterInformers({ client, logger, metrics });
  const peers = enabled ? await joinPeers(o, registry) : undefined;
  const streams: Streams = peers ?? registry;
  const connections = new ChildConnections({ streams });
  const server = createApiServer({
    config,
    client,
    reviewClient,
    logger,
    metrics,
    health,
    version,
    serving: {
      namespace: config.leaderElectResourceNamespace,
      service: config.serviceName,
      authoritySecret: `${config.serviceName}-ca`,
      apiServices: [
        ...(enabled ? [`${versions.proxies}.${groups.proxies}`] : []),
        ...(gates.enabled(featureGates.shadowApi) ? [`${versions.shadow}.${groups.shadow}`] : []),
      ],
    },
  });
  try {
    if (peers) stack.use(peers);
    stack.use(connections);
    if (enabled) {
      stack.use(clusters).start();
      stack.use(health.addCheck('clusters', () => (clusters.synced ? undefined : 'the clusters are not known yet')));
      stack.use(new SessionGuard({ registry, clusters, client: reviewClient, logger }));
    }
    const connected = () => peers?.connected() ?? [];
    server.handle(resources.sockets, socketsApi({ enabled, clusters, registry, connections, connected }));
    const shadow = gates.enabled(featureGates.shadowApi) ? await serveShadow(o, server, stack) : undefined;
    // While the agents move to other replicas, what runs through their tunnels goes on.
    stack.use(() => Promise.all([server.close(), registry.close()]).then(() => undefined));
    await server.listen(signal);
    logger.info('serving', { port: server.port });
    return { streams, connectivity: peers, manifests: shadow?.manifests, close: () => stack.close() };
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** Kinds and templates become known while the rest serves already; until then the shadow API has no resources. */
async function serveShadow(o: ReplicaOptions, server: ApiServer, stack: Stack): Promise<ShadowApi> {
  const { config, logger, metrics, health, gates, signal } = o;
  const client = await ownClient(o, shadowRate);
  stack.use(client);
  const indexers = gates.enabled(featureGates.feedInventory) ? feedIndexers : undefined;
  const shadow = shadowApi({ client, reservedNamespace: config.reservedNamespace, indexers, logger, metrics });
  stack.use(shadow);
  stack.use(health.addCheck('shadow', () => (shadow.synced ? undefined : 'kinds and templates are not known yet')));
  server.handle(shadow.groupVersion, shadow.handlers);
  shadow.start(signal).catch((error: unknown) => {
    if (!signal.aborted) logger.error('the shadow API cannot start', { error: toError(error) });
  });
  return shadow;
}

/** A client that waits for nobody else's requests. */
function ownClient({ config, version }: ReplicaOptions, qps: number): Promise<KubeClient> {
  return KubeClient.fromKubeConfig({ path: config.kubeconfig, qps, burst: 2 * qps, userAgent: `${names.hub}/${version}` });
}

async function joinPeers(o: ReplicaOptions, registry: SocketRegistry): Promise<Peers> {
  const { config, client, logger, metrics, health, signal } = o;
  // A thousand agents may come back at once, and nobody finds them before their Leases are written.
  const leaseClient = await ownClient(o, leaseRate);
  try {
    const peers = await startPeers({
      client,
      leaseClient,
      namespace: config.leaderElectResourceNamespace,
      authoritySecret: `${config.serviceName}-peer-ca`,
      bindAddress: config.bindAddress,
      port: config.peerPort,
      advertiseAddress: config.peerAdvertiseAddress,
      registry,
      logger,
      metrics,
      health,
      signal,
    });
    return { ...peers, close: () => closeAll(leaseClient, peers) };
  } catch (error) {
    await leaseClient.close();
    throw error;
  }
}
