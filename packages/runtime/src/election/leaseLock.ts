// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { core, isAlreadyExists, isConflict, isNotFound, type KubeClient, type ResourceClient } from '@clusternet/client';
import { claim, freeAt, giveUp, isFree, type Lease, type Observation, observe } from './leaseRecord.ts';
import { type Clock } from '../util/clock.ts';

/** Options of {@link LeaseLock}. */
export interface LeaseLockOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  leaseDurationMs: number;
  clock: Clock;
}

/** A lease held: which object it is. */
export interface Held {
  uid: string;
}

/** Takes, renews and gives up one Lease. Every write states the version it builds on, so that two candidates never both succeed. */
export class LeaseLock {
  readonly #options: LeaseLockOptions;
  readonly #leases: ResourceClient<Lease>;
  #lease: Lease | undefined;
  #observation: Observation | undefined;

  constructor(options: LeaseLockOptions) {
    this.#options = options;
    this.#leases = options.client.resource<Lease>(core.leases);
  }

  /** Who holds the lease, as far as is known. */
  get holder(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined;
  }

  /** Milliseconds until the lease of another holder, as it was seen last, runs out; undefined when there is nothing to wait for. */
  get runsOutInMs(): number | undefined {
    const { clock, leaseDurationMs: defaultDurationMs } = this.#options;
    if (!this.#lease?.spec?.holderIdentity || !this.#observation) return undefined;
    return Math.max(0, freeAt(this.#lease.spec, this.#observation, defaultDurationMs) - clock.monotonic());
  }

  /**
   * Takes or renews the lease.
   *
   * @returns undefined while somebody else holds it, or was faster
   * @throws ApiError or ConnectionError when the API server could not be asked
   */
  async acquireOrRenew(signal: AbortSignal, timeoutMs: number): Promise<Held | undefined> {
    const { clock, identity, leaseDurationMs: durationMs } = this.#options;
    const call = { signal, timeoutMs };
    // Who holds the lease renews without reading first; a conflict shows when that was wrong.
    if (this.#lease?.spec?.holderIdentity !== identity) await this.#read(call);
    const nowMs = clock.monotonic();
    if (this.#lease && this.#observation) {
      const free = isFree({
        spec: this.#lease.spec,
        observation: this.#observation,
        identity,
        defaultDurationMs: durationMs,
        nowMs,
      });
      if (!free) return undefined;
    }
    const spec = claim(this.#lease?.spec, identity, { durationMs, now: clock.now() });
    try {
      this.#note(this.#lease ? await this.#leases.replace({ ...this.#lease, spec }, call) : await this.#create({ spec }, call));
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      // Somebody wrote or deleted it meanwhile. Only a look at it tells who holds it now.
      this.#lease = undefined;
      return undefined;
    }
    const uid = this.#lease?.metadata.uid ?? '';
    return { uid };
  }

  /** Gives the lease up if this identity still holds it. */
  async release(signal: AbortSignal, timeoutMs: number): Promise<void> {
    const lease = this.#lease;
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    const spec = giveUp(lease.spec, this.#options.clock.now());
    this.#lease = undefined;
    await this.#leases.replace({ ...lease, spec }, { signal, timeoutMs });
  }

  /** The Lease object's uid; the object is made, held by nobody, if there is none. */
  async ensure(signal: AbortSignal): Promise<Held> {
    const call = { signal, timeoutMs: 30_000 };
    await this.#read(call);
    if (!this.#lease) this.#note(await this.#create({}, call));
    return { uid: this.#lease?.metadata.uid ?? '' };
  }

  async #read(call: { signal: AbortSignal; timeoutMs: number }): Promise<void> {
    const { namespace, name } = this.#options;
    this.#note(await this.#leases.find({ namespace, name }, call));
  }

  #create(content: Pick<Lease, 'spec'>, call: { signal: AbortSignal; timeoutMs: number }): Promise<Lease> {
    const { namespace, name } = this.#options;
    return this.#leases.create(
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, ...content },
      call,
    );
  }

  #note(lease: Lease | undefined): void {
    this.#lease = lease;
    this.#observation = lease && observe(this.#observation, lease.spec, this.#options.clock.monotonic());
  }
}
