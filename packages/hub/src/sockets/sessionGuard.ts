// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { groups, type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Logger, toError } from '@clusternet/runtime';
import { type Clusters } from './clusters.ts';
import { type Session, type SocketRegistry } from './socketRegistry.ts';
import { isStillOwner, type TunnelOwner } from './tunnelIdentity.ts';

/** Options of {@link SessionGuard}. */
export interface SessionGuardOptions {
  registry: SocketRegistry;
  clusters: Clusters;
  client: Pick<KubeClient, 'resource'>;
  logger: Logger;
  /** How often what is known here is compared with all tunnels; default 10 s. */
  lookMs?: number;
  /** How often the API server is asked about each tunnel, beyond when something about its cluster changes; default 60 s. */
  reviewMs?: number;
}

/** Thousands of tunnels that came at the same time are due at the same time; who visits a cluster is not to wait behind them all. */
const reviewsAtOnce = 8;

/** Closes tunnels whose cluster was taken out, or whose credential or rights were taken away, within seconds. */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  readonly #reviewed = new WeakMap<Session, number>();
  readonly #due = new Set<Session>();
  #reviewing = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  readonly #unsubscribeRegistry: () => void;

  constructor(options: SessionGuardOptions) {
    this.#options = options;
    const { registry, clusters, lookMs = 10_000 } = options;
    this.#unsubscribe = clusters.onChange((clusterId) => {
      const session = registry.get(clusterId);
      if (session) this.#check(session, true);
    });
    // What changed while the connection was being made was told to nobody.
    this.#unsubscribeRegistry = registry.onChange((session, change) => {
      if (change === 'up') this.#check(session, false);
    });
    this.#timer = setInterval(() => {
      for (const session of registry.list()) this.#check(session, false);
    }, lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#unsubscribeRegistry();
    this.#due.clear();
  }

  #check(session: Session, changed: boolean): void {
    const { clusters, reviewMs = 60_000 } = this.#options;
    if (!isStillOwner(session.owner, clusters)) {
      void session.tunnel.close('the registration of the cluster, or its credential, is no more');
      return;
    }
    const now = performance.now();
    const last = this.#reviewed.get(session);
    if (last === undefined) this.#reviewed.set(session, now);
    const due = last !== undefined && now - last >= reviewMs;
    if (!due && !changed) return;
    this.#due.add(session);
    this.#reviewNext();
  }

  #reviewNext(): void {
    const { registry } = this.#options;
    for (const session of this.#due) {
      if (this.#reviewing >= reviewsAtOnce) return;
      this.#due.delete(session);
      if (registry.get(session.owner.clusterId) !== session) continue;
      this.#reviewing++;
      void this.#review(session).finally(() => {
        this.#reviewing--;
        this.#reviewNext();
      });
    }
  }

  async #review(session: Session): Promise<void> {
    const { client, logger } = this.#options;
    try {
      const { status } = await client
        .resource<AccessReview>(core.subjectAccessReviews)
        .create(reviewOf(session.owner), { timeoutMs: 10_000 });
      this.#reviewed.set(session, performance.now());
      if (status?.allowed === true && status.denied !== true) return;
      void session.tunnel.close('the agent of the cluster may not hold a tunnel any more');
    } catch (error) {
      // A parent that is away for a moment takes no rights away.
      logger.debug('cannot ask whether a tunnel is still allowed; trying again', {
        cluster: session.owner.name,
        error: toError(error),
      });
    }
  }
}

interface AccessReview extends KubeObject {
  spec: object;
  status?: { allowed?: boolean; denied?: boolean };
}

function reviewOf({ user, clusterId }: TunnelOwner): AccessReview {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {} as AccessReview['metadata'],
    spec: {
      user: user.name,
      groups: user.groups,
      ...(user.uid !== undefined && { uid: user.uid }),
      resourceAttributes: { verb: 'get', group: groups.proxies, resource: 'sockets', subresource: 'attach', name: clusterId },
    },
  };
}
