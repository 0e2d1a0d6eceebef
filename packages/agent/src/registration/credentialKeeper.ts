// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { caHash, type ClusterRegistrationRequest } from '@clusternet/api-types';
import { type ApiError, isForbidden, isUnauthorized } from '@clusternet/client';
import { backoffDelay, type Logger } from '@clusternet/runtime';
import { classifyFailure, isCertificateFailure } from './classify.ts';
import { type CredentialStore } from './credentialStore.ts';
import { faultBackoff, RegistrationFault } from './fault.ts';
import { type ParentClock } from './parentClock.ts';
import { type Registration } from './registrar.ts';
import { type RegistrationReporter } from './reporter.ts';
import { readOutcome } from './request.ts';
import { renewalTime } from './token.ts';

/** Why a session with the parent ends. */
export type SessionEnd =
  /** The parent let the cluster go: its request is gone. */
  | 'deregistered'
  /** The connection itself has to be made anew: the parent can no longer be verified, or the dedicated namespace is another. */
  | 'reconnect';

/** What {@link CredentialKeeper} works with. */
export interface CredentialKeeperOptions {
  registration: Registration;
  parentUrl: string;
  /** Reads the cluster's request with the credential that this keeper keeps. */
  fetch: (name: string) => Promise<ClusterRegistrationRequest | undefined>;
  /** Reads it with the registration token, from a parent that the CA of the operator verifies, or else `ca`, if there is one to go by. */
  fetchWithRegistrationToken: (name: string, ca: string | undefined) => Promise<ClusterRegistrationRequest | undefined>;
  /** Told when there is a new token. */
  onRenewed?: () => void;
  store: CredentialStore;
  clock: ParentClock;
  reporter: RegistrationReporter;
  logger: Logger;
  now: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
}

const checkMs = 300_000;
const renewalCheckMs = 60_000;
const deregisteringCheckMs = 5_000;
const shortestPauseMs = 2_000;

/**
 * Keeps the cluster's credential for its parent alive while the agent runs: looks at the cluster's request from time to time, and
 * at once when {@link poke}d, takes over a renewed token or CA, and tells when the session must end.
 */
export class CredentialKeeper {
  readonly #o: CredentialKeeperOptions;
  #stored: Registration['stored'];
  #ca: string | undefined;
  #deregistering = false;
  #failures = 0;
  #poked: (() => void) | undefined;
  #pokePending = false;

  constructor(options: CredentialKeeperOptions) {
    this.#o = options;
    this.#stored = options.registration.stored;
    this.#ca = options.registration.caPem;
  }

  /** The token to use now; clients ask for it with each request. */
  readonly token = (): string => this.#stored.credential.token;

  /** The CA to verify the parent by now, PEM; `undefined` means the system roots. Clients ask for it with each request. */
  readonly ca = (): string | undefined => this.#ca;

  /** The parent spoke of the CA with this hash: the request is looked at soon unless that one is known. */
  readonly parentCa = (hash: string): void => {
    if (hash !== caHash(this.#stored.credential.caPem)) this.poke();
  };

  /** Has the request looked at soon: the parent refused a request, or something of this cluster vanished there. */
  readonly poke = (): void => {
    this.#pokePending = true;
    this.#poked?.();
  };

  /** Runs until the session must end; rejects when the signal aborts. */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    let pauseMs = this.#nextCheckMs();
    for (;;) {
      await this.#pause(pauseMs, signal);
      this.#pokePending = false;
      try {
        const end = await this.#check();
        if (end) return end;
        this.#failures = 0;
        pauseMs = this.#nextCheckMs();
      } catch (error) {
        signal.throwIfAborted();
        const fault = await this.#faultOf(error);
        pauseMs = backoffDelay(this.#failures++, { ...faultBackoff(fault.reason), jitter: 0.3 }, this.#o.random);
        this.#o.reporter.fault(fault, pauseMs);
      }
    }
  }

  async #check(): Promise<SessionEnd | undefined> {
    const { requestName } = this.#o.registration;
    let request: ClusterRegistrationRequest | undefined;
    let refusal: ApiError | undefined;
    try {
      request = await this.#o.fetch(requestName);
    } catch (error) {
      if (isCertificateFailure(error)) {
        this.#o.logger.warn('the parent can no longer be verified: connecting anew', {
          error: (await this.#faultOf(error)).message,
        });
        return 'reconnect';
      }
      if (!isUnauthorized(error) && !isForbidden(error)) throw error;
      refusal = error;
      try {
        request = await this.#o.fetchWithRegistrationToken(requestName, this.#stored.unverified ? undefined : this.#ca);
      } catch {
        // A deregistration takes the credential first; without a good registration token nothing more can be learnt.
        if (this.#deregistering) return this.#deregistered();
        throw refusal;
      }
    }
    if (!request) return this.#deregistered();
    if (request.metadata.deletionTimestamp !== undefined) {
      if (!this.#deregistering) this.#o.logger.info('the parent is deregistering this cluster', { name: requestName });
      this.#deregistering = true;
      return undefined;
    }
    return this.#takeOver(request, refusal);
  }

  /** Reads the request's answer; a refusal that no newer credential mends is a fault. */
  async #takeOver(request: ClusterRegistrationRequest, refusal: ApiError | undefined): Promise<SessionEnd | undefined> {
    const outcome = await readOutcome(request, this.#stored.key);
    if (outcome.kind === 'denied') {
      throw new RegistrationFault('RequestDenied', `the parent denied ${this.#o.registration.requestName}: ${outcome.message}`);
    }
    if (outcome.kind === 'pending') {
      if (refusal !== undefined) throw refusal;
      this.#o.reporter.pending(outcome.message);
      return undefined;
    }
    const before = this.#stored.credential;
    const { credential } = outcome;
    if (refusal !== undefined && credential.token === before.token) throw refusal;
    const changed = (['token', 'caPem', 'namespace', 'managedClusterName'] as const).filter(
      (field) => credential[field] !== before[field],
    );
    if (changed.length === 0) {
      this.#o.reporter.settled();
      return undefined;
    }
    const stored = { ...this.#stored, credential };
    await this.#o.store.save(stored);
    this.#stored = stored;
    if (changed.includes('token')) {
      this.#o.onRenewed?.();
      await this.#o.clock.refresh();
      this.#o.logger.info('credential for the parent was renewed', { renewAgain: renewalTime(credential.token)?.toISOString() });
    }
    if (changed.includes('caPem')) {
      // Read from a verified parent. Should it not verify the parent yet, the next session begins with the CA that does.
      this.#ca = credential.caPem;
      this.#o.logger.info('the parent has another CA: going by it from now on');
    }
    this.#o.reporter.settled();
    return changed.includes('namespace') ? 'reconnect' : undefined;
  }

  async #deregistered(): Promise<SessionEnd> {
    const stored = { ...this.#stored, credential: undefined };
    await this.#o.store.save(stored);
    return 'deregistered';
  }

  #nextCheckMs(): number {
    if (this.#deregistering) return deregisteringCheckMs;
    const spread = (ms: number) => ms * (0.85 + 0.3 * this.#o.random());
    const due = renewalTime(this.token());
    if (!due) return spread(checkMs);
    const untilDue = due.getTime() - this.#o.clock.now().getTime();
    return untilDue <= 0
      ? spread(renewalCheckMs)
      : Math.max(shortestPauseMs, Math.min(spread(checkMs), untilDue + spread(renewalCheckMs / 2)));
  }

  /**
   * Waits, but not longer than the shortest pause once poked. Pokes do not shorten the pause after a failure: a refused
   * credential pokes with every request that is made with it.
   */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#failures > 0) return this.#o.sleep(ms, signal);
    const longest = Math.max(0, ms - shortestPauseMs);
    await this.#o.sleep(Math.min(ms, shortestPauseMs), signal);
    if (this.#pokePending || longest === 0) return;
    const wake = new AbortController();
    this.#poked = () => wake.abort();
    try {
      await this.#o.sleep(longest, AbortSignal.any([signal, wake.signal]));
    } catch (error) {
      if (signal.aborted || !wake.signal.aborted) throw error;
    } finally {
      this.#poked = undefined;
    }
  }

  async #faultOf(error: unknown): Promise<RegistrationFault> {
    if (isCertificateFailure(error) || isUnauthorized(error)) await this.#o.clock.refresh();
    return classifyFailure(error, {
      url: this.#o.parentUrl,
      token: this.token(),
      credential: 'dedicated',
      acceptedBefore: true,
      now: this.#o.now(),
      parentNow: this.#o.clock.known(),
    });
  }
}
