// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates, groups, resources, versions } from '@clusternet/api-types';
import { createApiServer } from '@clusternet/apiserver';
import { type CommonConfig, type ServiceContext, Stack } from '@clusternet/runtime';
import { type HubConfig } from './config.ts';
import { ChildConnections } from './sockets/childConnections.ts';
import { createClusterInformers } from './sockets/clusters.ts';
import { SessionGuard } from './sockets/sessionGuard.ts';
import { SocketRegistry } from './sockets/socketRegistry.ts';
import { socketsApi } from './sockets/socketsApi.ts';
import { type Streams } from './sockets/streams.ts';

/** What {@link startReplica} needs. */
export type ReplicaOptions = Omit<ServiceContext<HubConfig & CommonConfig>, 'elect'> & { version: string };

/** What every replica does, whether it leads or not. */
export interface Replica {
  /** Opens streams to children. */
  readonly streams: Streams;
  close(): Promise<void>;
}

/** Serves the aggregated API, with health and metrics, and holds the tunnels of agents. */
export async function startReplica(o: ReplicaOptions): Promise<Replica> {
  const { config, client, logger, metrics, health, gates, version, signal } = o;
  const stack = new Stack();
  const enabled = gates.enabled(featureGates.socketConnection);
  const registry = new SocketRegistry({ logger, metrics });
  const clusters = createClusterInformers({ client, logger, metrics });
  const connections = new ChildConnections({ streams: registry });
  const server = createApiServer({
    config,
    client,
    logger,
    metrics,
    health,
    version,
    serving: {
      namespace: config.leaderElectResourceNamespace,
      service: config.serviceName,
      authoritySecret: `${config.serviceName}-ca`,
      apiServices: enabled ? [`${versions.proxies}.${groups.proxies}`] : [],
    },
  });
  try {
    stack.use(connections);
    if (enabled) {
      stack.use(clusters).start();
      stack.use(health.addCheck('clusters', () => (clusters.synced ? undefined : 'the clusters are not known yet')));
      stack.use(new SessionGuard({ registry, clusters, client, logger }));
    }
    const connected = () =>
      registry.list().map(({ owner, tunnel }) => ({
        clusterId: owner.clusterId,
        connectedAt: tunnel.connectedAt,
        replica: o.identity,
        streams: tunnel.streams,
      }));
    server.handle(resources.sockets, socketsApi({ enabled, clusters, registry, connections, connected }));
    // While the agents move to other replicas, what runs through their tunnels goes on.
    stack.use(() => Promise.all([server.close(), registry.close()]).then(() => undefined));
    await server.listen(signal);
    logger.info('serving', { port: server.port });
  } catch (error) {
    await stack.close();
    throw error;
  }
  return { streams: registry, close: () => stack.close() };
}
