// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { type Duplex } from 'node:stream';
import { createPeerCertificate } from '@clusternet/apiserver';
import { type KubeClient } from '@clusternet/client';
import { type Health, type Logger, type Metrics, retry, Stack, toError } from '@clusternet/runtime';
import { type StreamTarget } from '../sockets/proxyTarget.ts';
import { type Connectivity } from '../sockets/connectedController.ts';
import { type SocketRegistry } from '../sockets/socketRegistry.ts';
import { type SocketInfo } from '../sockets/socketsApi.ts';
import { type Streams } from '../sockets/streams.ts';
import { NoTunnelError } from '../sockets/tunnelErrors.ts';
import { Announcer } from './announcer.ts';
import { Directory, leaseInformer } from './directory.ts';
import { clusterOfLease } from './leases.ts';
import { PeerNetwork } from './peerNetwork.ts';

/** Options of {@link startPeers}. */
export interface PeersOptions {
  client: KubeClient;
  /** Client for the Leases, with a rate limit of its own. */
  leaseClient: Pick<KubeClient, 'resource'>;
  namespace: string;
  authoritySecret: string;
  bindAddress: string;
  port: number;
  /** Address that other replicas dial; default: the first that is not loopback. */
  advertiseAddress: string | undefined;
  registry: SocketRegistry;
  logger: Logger;
  metrics: Metrics;
  health: Health;
  signal: AbortSignal;
}

/** All replicas together. */
export interface Peers extends Streams, Connectivity {
  /** Clusters that are connected anywhere. */
  connected(): SocketInfo[];
  close(): Promise<void>;
}

const certificateName = 'clusternet-hub-peer';
const certificateLifetimeMs = 30 * 24 * 3_600_000;
const renewMs = 24 * 3_600_000;
const followMs = 1_000;

/** Joins the other replicas: any of them then serves any cluster, whichever holds its tunnel. */
export async function startPeers(o: PeersOptions): Promise<Peers> {
  const { client, namespace, registry, logger, metrics, signal, authoritySecret } = o;
  const stack = new Stack();
  try {
    const id = randomBytes(5).toString('hex');
    const issue = () =>
      createPeerCertificate({
        client,
        namespace,
        authoritySecret,
        name: certificateName,
        now: new Date(),
        lifetimeMs: certificateLifetimeMs,
      });
    let tls = await retry(issue, {
      signal,
      onRetry: (error) => logger.warn('cannot get the certificate for other replicas yet', { error: toError(error) }),
    });
    const listen = { port: o.port, address: o.bindAddress };
    const network = stack.use(
      await PeerNetwork.listen({ id, tls: () => tls, name: certificateName, local: registry, logger }, listen),
    );
    const renewal = setInterval(() => {
      issue().then(
        (renewed) => {
          tls = renewed;
          network.renewed();
        },
        (error: unknown) =>
          logger.warn('cannot renew the certificate for other replicas; trying again', { error: toError(error) }),
      );
    }, renewMs).unref();
    stack.use(() => clearInterval(renewal));

    const leases = stack.use(leaseInformer({ client, namespace, logger, metrics }));
    const directory = stack.use(
      new Directory({ store: leases, namespace, isConnected: (peerId) => network.isConnected(peerId) }),
    );
    leases.start();
    stack.use(o.health.addCheck('replicas', () => (leases.synced ? undefined : 'the other replicas are not known yet')));
    const follow = (): void => network.follow(directory.peers());
    const following = setInterval(follow, followMs).unref();
    stack.use(() => clearInterval(following));
    stack.use(leases.onChange(follow));
    const onLease = (handler: (clusterId: string) => void): (() => void) =>
      leases.onChange(({ object }) => {
        const clusterId = clusterOfLease(object.metadata.name ?? '');
        if (clusterId !== undefined) handler(clusterId);
      });
    const announcer = stack.use(
      new Announcer({
        client: o.leaseClient,
        namespace,
        self: { id, host: o.advertiseAddress ?? ownAddress(o.bindAddress), port: network.port },
        registry,
        directory,
        logger,
        metrics,
        onLease,
      }),
    );
    announcer.start();
    return {
      open: (clusterId, target, aborted) => open(clusterId, target, aborted),
      connected: () => connected(registry, directory, id),
      connectedSince: (clusterId) => registry.get(clusterId)?.tunnel.connectedAt ?? directory.holder(clusterId)?.connectedAt,
      onChange: onLease,
      close: () => stack.close(),
    };

    async function open(clusterId: string, target: StreamTarget, aborted?: AbortSignal): Promise<Duplex> {
      if (registry.get(clusterId)) return registry.open(clusterId, target, aborted);
      const holder = directory.holder(clusterId);
      if (!holder || holder.peerId === id) throw new NoTunnelError();
      return network.open(holder.peerId, clusterId, target, aborted);
    }
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** What this replica holds, and what the others say they hold. */
function connected(registry: SocketRegistry, directory: Directory, id: string): SocketInfo[] {
  const own = registry.list().map(({ owner, tunnel }) => ({
    clusterId: owner.clusterId,
    connectedAt: tunnel.connectedAt,
    replica: id,
    streams: tunnel.streams,
  }));
  const here = new Set(own.map(({ clusterId }) => clusterId));
  const others = directory
    .holders()
    .filter(({ clusterId, peerId }) => peerId !== id && !here.has(clusterId))
    .map(({ clusterId, connectedAt, peerId }) => ({ clusterId, connectedAt, replica: peerId }));
  return [...own, ...others];
}

function ownAddress(bound: string): string {
  if (bound !== '0.0.0.0' && bound !== '::') return bound;
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
