// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, names } from '@clusternet/api-types';
import { core, isForbidden, isNotFound, type KubeClient } from '@clusternet/client';
import { guardedSignal, sleep, type Logger } from '@clusternet/runtime';
import { isCertificateFailure } from '../registration/classify.ts';

/** What a {@link Heartbeat} works with. */
export interface HeartbeatOptions {
  parent: Pick<KubeClient, 'resource'>;
  /** Dedicated namespace. */
  namespace: string;
  clusterId: string;
  /** Time between two renewals; 0 for none at all. */
  everyMs: number;
  /** Time at the parent. */
  now: () => Date;
  /** Told when it changes whether renewals count. */
  onChange: () => void;
  /** Told when the certificate of the parent is refused. */
  onDistrust: () => void;
  /** Told after each renewal of which CA the parent speaks, by its `caHash`, where the hub says that. */
  onParentCa: (hash: string) => void;
  signal: AbortSignal;
  logger: Logger;
}

const askAgainMs = 180_000;
/** An API server that has just started refuses what it has not yet read the rights for. */
const refusalsToBelieve = 3;
const firstTimeoutMs = 10_000;

/**
 * Tells the parent that this cluster is there, by the renewal of a small Lease instead of a whole report. A parent whose hub looks at
 * the Lease has made it; where there is none, reports have to do.
 */
export class Heartbeat {
  readonly #o: HeartbeatOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #counts = false;
  #refusals = 0;
  #warned = false;

  constructor(options: HeartbeatOptions) {
    this.#o = options;
  }

  /** Whether the parent takes renewals for reports. */
  get counts(): boolean {
    return this.#counts;
  }

  /** Begins to renew; resolves after the first try. */
  async start(): Promise<void> {
    if (this.#o.everyMs === 0) return;
    const signal = guardedSignal([this.#stop.signal, this.#o.signal]);
    await this.#renew(signal, firstTimeoutMs);
    this.#running = this.#run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#o.logger.error('heartbeats ended', { error });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { everyMs } = this.#o;
    while (!signal.aborted) {
      await sleep(this.#refusals < refusalsToBelieve ? everyMs : Math.max(everyMs, askAgainMs), signal);
      const counted = this.#counts;
      await this.#renew(signal, everyMs);
      if (this.#counts !== counted) this.#o.onChange();
    }
  }

  async #renew(signal: AbortSignal, timeoutMs: number): Promise<void> {
    const { clusterId, everyMs, logger, namespace, now, parent } = this.#o;
    try {
      const lease = await parent.resource(core.leases).patch(
        { name: names.heartbeatLease, namespace },
        {
          spec: {
            holderIdentity: clusterId,
            leaseDurationSeconds: Math.max(1, Math.round((3 * everyMs) / 1000)),
            // A MicroTime.
            renewTime: now().toISOString().replace('Z', '000Z'),
          },
        },
        { type: 'merge', signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) },
      );
      this.#counts = true;
      this.#refusals = 0;
      this.#warned = false;
      const parentCa = lease.metadata.annotations?.[annotations.parentCaHash];
      if (parentCa !== undefined) this.#o.onParentCa(parentCa);
    } catch (error) {
      signal.throwIfAborted();
      if (isCertificateFailure(error)) this.#o.onDistrust();
      // The parent has no use for it, or not yet. Whatever else it is, the next renewal may succeed.
      if (isNotFound(error) || isForbidden(error)) {
        if (++this.#refusals >= refusalsToBelieve) this.#counts = false;
      } else if (!this.#warned) {
        logger.warn('the heartbeat did not reach the parent', { namespace, error });
        this.#warned = true;
      }
    }
  }
}
