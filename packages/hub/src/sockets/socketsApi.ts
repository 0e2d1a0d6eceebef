// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import { apiVersionOf, categories, type ManagedCluster, resources } from '@clusternet/api-types';
import { type ApiResource, type GroupVersionHandlers, type KubeRequest, StatusError, writeJson } from '@clusternet/apiserver';
import { type ChildConnections, type Route } from './childConnections.ts';
import { childIdentity } from './childIdentity.ts';
import { type Clusters } from './clusters.ts';
import { forward } from './forward.ts';
import { forwardUpgrade } from './forwardUpgrade.ts';
import { type HeaderList, requestHeaders } from './headers.ts';
import { proxyTarget } from './proxyTarget.ts';
import { type SocketRegistry } from './socketRegistry.ts';
import { proxyError } from './tunnelErrors.ts';
import { tunnelOwner } from './tunnelIdentity.ts';
import { UserLimit } from './userLimit.ts';

/** A connected cluster as `kubectl get sockets` shows it. */
export interface SocketInfo {
  clusterId: string;
  connectedAt: Date;
  /** Name of the replica that holds the tunnel. */
  replica: string;
  /** Streams in it; only that replica knows. */
  streams?: number;
}

/** Options of {@link socketsApi}. */
export interface SocketsApiOptions {
  /** False answers everything with 503. */
  enabled: boolean;
  clusters: Clusters;
  registry: SocketRegistry;
  connections: ChildConnections;
  /** Clusters that are connected anywhere. */
  connected: () => SocketInfo[];
  /** Requests that one user may have under way at one cluster; default 500. */
  maxPerUser?: number;
}

const verbs = ['create', 'delete', 'get', 'patch', 'update'];

/** `sockets` and what is below, for discovery. */
export const socketResources: ApiResource[] = [
  {
    name: resources.sockets.resource,
    singularName: 'socket',
    kind: resources.sockets.kind,
    namespaced: false,
    verbs: [...verbs, 'list'],
    shortNames: ['ss'],
    categories: [categories.clusternet],
    subresources: [
      { name: 'proxy', kind: resources.sockets.kind, verbs, anyMethod: true },
      // kube-apiserver takes a request for this name for a long one; for the bare resource, the tunnel would hold one of its seats.
      { name: 'attach', kind: resources.sockets.kind, verbs: ['get'] },
    ],
  },
];

/** Handlers of `proxies.clusternet.io/v1alpha1`: tunnels come in, requests go out through them. */
export function socketsApi(o: SocketsApiOptions): GroupVersionHandlers {
  const proxy = new SocketProxy(o);
  const checkEnabled = (): void => {
    if (!o.enabled) {
      throw new StatusError(
        503,
        'tunnels are turned off; install the hub with featureGates.SocketConnection=true (flag --feature-gates=SocketConnection=true)',
      );
    }
  };
  return {
    resources: socketResources,
    requestClass: (info, upgrade) => {
      if (info.subresource === 'proxy') return 'long';
      return upgrade ? 'free' : undefined;
    },
    handler: async (request: KubeRequest, response: ServerResponse) => {
      checkEnabled();
      const { subresource, name, verb } = request.kube.info;
      if (subresource === 'proxy') return proxy.request(request, response);
      if (subresource !== '') throw new StatusError(400, 'this path takes connections that are upgraded to a tunnel');
      if (verb === 'list') list(o, request, response);
      else if (verb === 'get' && name !== undefined) get(o, name, response);
      else throw new StatusError(405, 'sockets can be listed and read; they are made by the agents of the clusters');
    },
    upgrade: async (request, socket, head) => {
      checkEnabled();
      const { subresource, name, rawSuffix } = request.kube.info;
      if (subresource === 'proxy') return proxy.upgrade(request, socket, head);
      if (name === undefined || /[^/]/.test(rawSuffix)) throw new StatusError(400, 'connections are not upgraded at this path');
      const owner = tunnelOwner(request.kube.user, name, o.clusters);
      o.registry.accept(owner, request, socket, head);
    },
  };
}

interface Prepared {
  route: Route;
  path: string;
  headers: HeaderList;
  reported: ManagedCluster['status'];
  release: () => void;
}

class SocketProxy {
  readonly #options: SocketsApiOptions;
  readonly #limit: UserLimit;

  constructor(options: SocketsApiOptions) {
    this.#options = options;
    this.#limit = new UserLimit(options.maxPerUser ?? 500);
  }

  async request(request: KubeRequest, response: ServerResponse): Promise<void> {
    const { connections, registry } = this.#options;
    const { route, path, headers, reported, release } = this.#prepare(request);
    const { signal } = request.kube;
    // What changes nothing, and what nobody has seen yet, may be asked again.
    let repeatable = true;
    try {
      const dispatcher = connections.dispatcher(route);
      const onSend = (): void => void (repeatable = ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? ''));
      const onAnswer = (status: number): void => registry.metrics.proxied('request', status);
      await forward(request, response, { dispatcher, path, headers, signal, onSend, onAnswer });
    } catch (error) {
      if (signal.aborted && response.destroyed) return;
      const status = proxyError(error, repeatable, reported);
      registry.metrics.proxied('request', status.code);
      throw status;
    } finally {
      release();
    }
  }

  async upgrade(request: KubeRequest, socket: Duplex, head: Buffer): Promise<void> {
    const { connections, registry } = this.#options;
    const { route, path, headers, reported, release } = this.#prepare(request);
    const { signal } = request.kube;
    socket.once('close', release);
    let repeatable = true;
    try {
      const connection = await connections.connect(route, signal);
      repeatable = false;
      await forwardUpgrade(request, socket, head, { connection, path, headers, signal });
      registry.metrics.proxied('upgrade', 101);
    } catch (error) {
      const status = proxyError(error, repeatable, reported);
      registry.metrics.proxied('upgrade', status.code);
      throw status;
    }
  }

  #prepare(request: KubeRequest): Prepared {
    const { clusters } = this.#options;
    const { info, user, rawQuery } = request.kube;
    const cluster = clusterOf(clusters, info.name);
    const target = proxyTarget(info.rawSuffix, cluster.status);
    const { namespace = '' } = cluster.metadata;
    // A token that may impersonate anybody goes to the API server it is for, and nowhere else.
    const visiting = target.stream.to === 'direct' ? { token: clusters.visitorToken(namespace) } : undefined;
    const identity = childIdentity(request, visiting);
    const clusterId = info.name ?? '';
    const release = this.#limit.take(`${clusterId} ${user.name}`);
    return {
      route: { clusterId, target, certificate: identity.certificate },
      path: rawQuery === '' ? target.path : `${target.path}?${rawQuery}`,
      headers: ['Host', target.host, ...requestHeaders(request), ...identity.headers],
      reported: cluster.status,
      release,
    };
  }
}

function clusterOf(clusters: Clusters, clusterId: string | undefined): ManagedCluster {
  const cluster = clusterId === undefined ? undefined : clusters.find(clusterId);
  if (!cluster) throw new StatusError(400, `no ManagedCluster has the cluster id "${clusterId ?? ''}"`);
  return cluster;
}

function list({ connected }: SocketsApiOptions, request: KubeRequest, response: ServerResponse): void {
  const { selectedName } = request.kube.info;
  const items = connected()
    .filter(({ clusterId }) => selectedName === undefined || clusterId === selectedName)
    .toSorted((a, b) => (a.clusterId < b.clusterId ? -1 : 1))
    .map(socketObject);
  const { kind } = resources.sockets;
  writeJson(response, { apiVersion: apiVersionOf(resources.sockets), kind: `${kind}List`, metadata: {}, items });
}

function get({ connected }: SocketsApiOptions, name: string, response: ServerResponse): void {
  const found = connected().find(({ clusterId }) => clusterId === name);
  if (!found) {
    const details = { name, group: resources.sockets.group, kind: resources.sockets.resource };
    throw new StatusError(404, `sockets.${resources.sockets.group} "${name}" not found: its agent is not connected`, { details });
  }
  writeJson(response, socketObject(found));
}

function socketObject({ clusterId, connectedAt, replica, streams }: SocketInfo): object {
  const { kind } = resources.sockets;
  return {
    apiVersion: apiVersionOf(resources.sockets),
    kind,
    // kubectl shows the age of what is listed.
    metadata: { name: clusterId, creationTimestamp: secondsOf(connectedAt) },
    status: { connectedAt: secondsOf(connectedAt), replica, ...(streams !== undefined && { streams }) },
  };
}

function secondsOf(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
