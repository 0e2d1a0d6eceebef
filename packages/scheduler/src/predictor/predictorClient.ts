// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { groups, type ManagedCluster, type ReplicaRequirements, versions } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';

/** Asks a child how many more replicas fit. */
export interface PredictorClient {
  /** Rejects with an error that says what to look at when there is no usable answer. */
  predict(cluster: ManagedCluster, requirements: ReplicaRequirements, signal: AbortSignal): Promise<number>;
}

/** Whether a cluster says that it has a predictor that can be reached. */
export function hasPredictor({ status }: ManagedCluster): boolean {
  if (status?.predictorEnabled !== true || !status.predictorAddress) return false;
  return status.predictorDirectAccess === true || status.useSocket === true;
}

/** Talks to predictors by their HTTP API, through the tunnel with the scheduler's own rights, or directly where the child says so. */
export class HttpPredictorClient implements PredictorClient {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #fetch: typeof fetch;

  constructor({ client, fetch: ownFetch = fetch }: { client: Pick<KubeClient, 'request'>; fetch?: typeof fetch }) {
    this.#client = client;
    this.#fetch = ownFetch;
  }

  async predict(cluster: ManagedCluster, requirements: ReplicaRequirements, signal: AbortSignal): Promise<number> {
    const { clusterId } = cluster.spec;
    const address = cluster.status?.predictorAddress ?? '';
    const headers = { 'Cluster-ID': clusterId };
    if (cluster.status?.predictorDirectAccess === true) {
      const response = await this.#fetch(`${address.replace(/\/+$/, '')}/replicas/predict`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(requirements),
        redirect: 'error',
        signal,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`the predictor answered ${response.status}: ${text.slice(0, 200)}`);
      return replicasOf(parsed(text));
    }
    const path = tunnelPath(clusterId, address);
    return replicasOf(
      await this.#client.request({ method: 'POST', path, body: requirements, contentType: 'application/json', headers, signal }),
    );
  }
}

/** Path of the predictor below the parent's API server. */
export function tunnelPath(clusterId: string, address: string): string {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`status.predictorAddress "${address.slice(0, 100)}" is no http or https URL`);
  }
  const base = `/apis/${groups.proxies}/${versions.proxies}/sockets/${clusterId}/proxy`;
  return `${base}/${url.protocol.slice(0, -1)}/${url.host}${url.pathname.replace(/\/+$/, '')}/replicas/predict`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`the predictor answered what is no JSON: ${text.slice(0, 100)}`, { cause: error });
  }
}

function replicasOf(answer: unknown): number {
  const replicas = (answer as { replicas?: { default?: unknown } } | null)?.replicas?.default;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    throw new Error('the predictor answered without a whole number in replicas.default');
  }
  return Math.max(0, replicas);
}
