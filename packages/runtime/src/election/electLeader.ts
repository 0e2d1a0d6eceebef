// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';
import { type Logger } from '../logging/logger.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { systemClock, type Clock } from '../util/clock.ts';
import { toError } from '../util/errors.ts';
import { sleep } from '../util/sleep.ts';
import { LeaseLock } from './leaseLock.ts';
import { Leadership } from './leadership.ts';

/** Options of {@link electLeader}. Durations in milliseconds. */
export interface ElectionOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unique per process. */
  identity: string;
  /** How long others wait after the last renewal they saw; default 15 s. */
  leaseDurationMs?: number;
  /** How long after its last successful renewal the leader stops acting; default 10 s. Must be less than `leaseDurationMs`. */
  renewDeadlineMs?: number;
  /** Time between tries; default 2 s. */
  retryPeriodMs?: number;
  logger: Logger;
  metrics?: Metrics;
  /** Ends the candidacy, and the leadership in good order. */
  signal: AbortSignal;
  /** What only one process may do at a time. See {@link electLeader}. */
  run: (leading: AbortSignal, lease: { uid: string }) => Promise<void>;
  clock?: Clock;
  random?: () => number;
}

/**
 * Runs `run` in the one process that holds the Lease; again each time it is won, until `signal` is aborted.
 *
 * @remarks
 * - `leading` is aborted before anybody else can take the lease: `renewDeadlineMs` after the start of the last successful renewal, on a monotonic
 *   clock. Reading `leading.aborted` checks the clock itself, so work that starts right after a pause of the process is refused even though the
 *   timer has not come up yet. Hand `leading` to every WorkQueue and request made under it.
 * - When `leading` is aborted, `run` has to end; the next candidacy begins, or the lease is given up, only after it has.
 * - When `run` returns by itself the lease is given up and electLeader ends; when it throws, likewise, with its error.
 * - A Lease that was deleted and made again is another lease: leadership ends and is won anew with the new uid.
 *
 * @throws what `run` throws while it leads, or a RangeError for durations that could let two lead
 */
export async function electLeader(options: ElectionOptions): Promise<void> {
  const {
    leaseDurationMs = 15_000,
    renewDeadlineMs = 10_000,
    retryPeriodMs = 2_000,
    clock = systemClock,
    random = Math.random,
  } = options;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * 1.2 && retryPeriodMs > 0)) {
    throw new RangeError('leader election needs lease duration > renew deadline > 1.2 x retry period > 0');
  }
  const { signal, metrics, identity } = options;
  const logger = options.logger.child({ lease: `${options.namespace}/${options.name}`, identity });
  const gauge = metrics?.gauge({
    name: 'clusternet_leader',
    help: '1 while this process holds the lease.',
    labelNames: ['name'],
  });
  gauge?.set({ name: options.name }, 0);
  const lock = new LeaseLock({ ...options, leaseDurationMs, clock });
  const campaign = new Campaign(lock, { logger, clock, random, renewDeadlineMs, retryPeriodMs });

  while (!signal.aborted) {
    const leadership = await campaign.win(signal);
    if (!leadership) return;
    logger.info('leading');
    gauge?.set({ name: options.name }, 1);
    const stop = (): void => leadership.end(new Error('stopping'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    // Work and renewal end together: renewal goes on while the work winds down, so that nobody starts beside it.
    const renewal = campaign.keep(leadership);
    try {
      await options.run(leadership.signal, { uid: leadership.uid });
      if (!leadership.ended) return;
    } catch (error) {
      if (!leadership.ended) throw error;
      logger.debug('work ended with the leadership', { error: toError(error) });
    } finally {
      signal.removeEventListener('abort', stop);
      gauge?.set({ name: options.name }, 0);
      leadership.finish();
      await renewal;
      if (!leadership.lost) await campaign.giveUp();
    }
    if (leadership.lost) logger.warn('leadership lost; standing for election again', { error: leadership.reason });
  }
}

interface CampaignOptions {
  logger: Logger;
  clock: Clock;
  random: () => number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
}

/** The tries to get, keep and give up one lease. */
class Campaign {
  readonly #lock: LeaseLock;
  readonly #options: CampaignOptions;

  constructor(lock: LeaseLock, options: CampaignOptions) {
    this.#lock = lock;
    this.#options = options;
  }

  /** Tries until the lease is won; undefined when the signal ends the candidacy. */
  async win(signal: AbortSignal): Promise<Leadership | undefined> {
    const { logger, clock, random, retryPeriodMs, renewDeadlineMs } = this.#options;
    let holder: string | undefined;
    let failing = false;
    while (!signal.aborted) {
      // Before the request: what was written may be older than the answer, never younger.
      const askedMs = clock.monotonic();
      try {
        const held = await this.#lock.acquireOrRenew(signal, renewDeadlineMs);
        failing = false;
        if (held) return new Leadership({ uid: held.uid, renewedMs: askedMs, renewDeadlineMs, clock });
        if (this.#lock.holder !== holder && this.#lock.holder !== undefined)
          logger.info('waiting for the leader', { holder: this.#lock.holder });
        holder = this.#lock.holder ?? holder;
      } catch (error) {
        if (signal.aborted) return undefined;
        logger[failing ? 'debug' : 'warn']('cannot ask for the lease; trying again', { error: toError(error) });
        failing = true;
      }
      // Looks again the moment a holder that renews no more has lost the lease, not some part of a period later.
      const periodMs = retryPeriodMs * (1 + 0.2 * random());
      const runsOutInMs = failing ? undefined : this.#lock.runsOutInMs;
      const waitMs = runsOutInMs !== undefined && runsOutInMs > 0 ? Math.min(periodMs, Math.ceil(runsOutInMs)) : periodMs;
      await sleep(waitMs, signal, clock).catch(() => undefined);
    }
    return undefined;
  }

  /** Renews until the leadership is finished or lost. */
  async keep(leadership: Leadership): Promise<void> {
    const { logger, clock, retryPeriodMs, renewDeadlineMs } = this.#options;
    while (await leadership.pause(retryPeriodMs)) {
      const askedMs = clock.monotonic();
      try {
        const held = await this.#lock.acquireOrRenew(leadership.renewing, renewDeadlineMs);
        if (held && held.uid !== leadership.uid) leadership.lose(new Error('the Lease was deleted and made again'));
        else if (held) leadership.renewed(askedMs);
        else if (this.#lock.holder !== undefined) leadership.lose(new Error(`the lease was taken by ${this.#lock.holder}`));
      } catch (error) {
        if (!leadership.renewing.aborted) logger.warn('cannot renew the lease; trying again', { error: toError(error) });
      }
    }
  }

  /** Lets the next candidate start at once. A failure only makes it wait. */
  async giveUp(): Promise<void> {
    try {
      await this.#lock.release(new AbortController().signal, 3_000);
      this.#options.logger.info('lease given up');
    } catch (error) {
      this.#options.logger.warn('cannot give the lease up; the next leader waits until it runs out', { error: toError(error) });
    }
  }
}
