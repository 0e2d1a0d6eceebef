// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { suffix, type ClusterRegistrationRequest } from '@clusternet/api-types';
import { isAlreadyExists, isForbidden, isNotFound, isUnauthorized } from '@clusternet/client';
import { backoffDelay, type Logger } from '@clusternet/runtime';
import { type AgentOptions } from '../options.ts';
import { classifyFailure, isCertificateFailure } from './classify.ts';
import { type CredentialStore, type StoredRegistration } from './credentialStore.ts';
import { faultBackoff, RegistrationFault } from './fault.ts';
import { isSameCluster, type ClusterIdentity, type StoredIdentity } from './identity.ts';
import { createKeyPair, type PrivateJwk } from './keyPair.ts';
import { type ParentClock } from './parentClock.ts';
import { type ConnectParent, type ParentApi, type ParentConnection } from './parentApi.ts';
import { type RegistrationReporter } from './reporter.ts';
import { buildRequest, readOutcome, requestName, requestPatch, type ParentCredential, type WantedCluster } from './request.ts';

/** A registered cluster and how it reaches its parent. */
export interface Registration {
  stored: StoredRegistration & { key: PrivateJwk; credential: ParentCredential };
  requestName: string;
  /** CA by which the parent was verified with the cluster's own credential; `undefined` means the system roots. */
  caPem: string | undefined;
}

/** Everything of the outside world that the registration touches. */
export interface RegistrarOptions {
  options: Pick<AgentOptions, 'parent' | 'name' | 'namePrefix' | 'namespace' | 'type' | 'syncMode' | 'labels'>;
  identity: (stored: StoredIdentity | undefined) => Promise<ClusterIdentity>;
  store: CredentialStore;
  connect: ConnectParent;
  clock: ParentClock;
  reporter: RegistrationReporter;
  logger: Logger;
  now: () => Date;
  /** Resolves after the pause; rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1. */
  random: () => number;
}

/** Pauses between looks at a pending request: a hub that approves by itself does so in a moment, a person may take days. */
const pollMs = { first: 500, second: 1_500, usual: 5_000, slow: 30_000 };
const slowAfterPolls = 24;

/**
 * Brings a cluster from nothing, or from what an earlier run stored, to a working credential for its parent.
 *
 * @remarks The stored credential is tried first. Where the parent does not take it, the registration token opens the cluster's
 * own request, and the credential found there counts only once the parent has accepted it: a stale one is never used in a circle.
 */
export class Registrar {
  readonly #o: RegistrarOptions;
  readonly #acceptedTokens = new Set<string>();

  constructor(options: RegistrarOptions) {
    this.#o = options;
  }

  /** Tries until the cluster is registered; rejects only when the signal aborts. */
  async run(signal: AbortSignal): Promise<Registration> {
    let attempt = 0;
    let lastReason = '';
    for (;;) {
      try {
        const registration = await this.#attempt(signal);
        const { identity, clusterName, credential } = registration.stored;
        this.#o.reporter.registered({ cluster: clusterName, clusterId: identity.clusterId, namespace: credential.namespace });
        return registration;
      } catch (error) {
        signal.throwIfAborted();
        const fault = error instanceof RegistrationFault ? error : unexpected(error);
        attempt = fault.reason === lastReason ? attempt + 1 : 0;
        lastReason = fault.reason;
        const delay = backoffDelay(attempt, { ...faultBackoff(fault.reason), jitter: 0.3 }, this.#o.random);
        this.#o.reporter.fault(fault, delay);
        await this.#o.sleep(delay, signal);
      }
    }
  }

  /**
   * Fetches the cluster's request with the registration token: the way in when the cluster's own credential no longer works.
   *
   * @param ca - CA by which the parent is verified now; it counts where the one of the operator is out of date
   */
  fetchWithRegistrationToken(name: string, ca: string | undefined): Promise<ClusterRegistrationRequest | undefined> {
    return this.#withRegistrationToken(ca, (parent) => parent.get(name));
  }

  async #attempt(signal: AbortSignal): Promise<Registration> {
    const found = await this.#inChild(() => this.#o.store.load());
    const identity = await this.#inChild(() => this.#o.identity(found?.identity));
    const stored = await this.#remember(found, identity);
    const wanted = this.#wanted(stored);
    const resumed = stored.credential && (await this.#resume({ ...stored, credential: stored.credential }, wanted, signal));
    return resumed ?? (await this.#register(stored, wanted, signal));
  }

  /** Fixes key and generated name before they are first shown to the parent, so that a crash in between loses neither. */
  async #remember(
    found: StoredRegistration | undefined,
    identity: ClusterIdentity,
  ): Promise<StoredRegistration & { key: PrivateJwk }> {
    const { options, store, reporter, logger } = this.#o;
    reporter.about(identity.lease);
    let usable =
      found?.identity.clusterId === identity.clusterId && isSameCluster(found.identity, identity.systemUid) ? found : undefined;
    if (found && !usable)
      logger.warn('stored registration belongs to another cluster and is not used', { clusterId: found.identity.clusterId });
    if (usable?.credential && usable.parentUrl !== options.parent.url) {
      logger.warn('parent URL changed: registering with the new parent', { from: usable.parentUrl, to: options.parent.url });
      usable = { ...usable, credential: undefined };
    }
    const { clusterId } = identity;
    const next = {
      identity: { clusterId, ...(identity.systemUid ? { systemUid: identity.systemUid } : {}) },
      clusterName: usable?.credential
        ? usable.clusterName
        : options.name || usable?.clusterName || `${options.namePrefix}-${suffix(clusterId)}`,
      parentUrl: options.parent.url,
      key: usable?.key ?? (await createKeyPair()),
      ...(usable?.credential ? { credential: usable.credential } : {}),
      ...(usable?.credential && usable.unverified ? { unverified: true } : {}),
    };
    const complete = usable?.key !== undefined && usable.clusterName === next.clusterName && usable.parentUrl === next.parentUrl;
    if (!complete) await this.#inChild(() => store.save(next));
    return next;
  }

  #wanted(stored: StoredRegistration): WantedCluster {
    const { options } = this.#o;
    return {
      clusterId: stored.identity.clusterId,
      clusterName: stored.clusterName,
      clusterNamespace: options.namespace,
      clusterType: options.type,
      syncMode: options.syncMode,
      clusterLabels: options.labels,
    };
  }

  /** Goes on with the stored credential; `undefined` when only the registration token can help. */
  async #resume(stored: Registration['stored'], wanted: WantedCluster, signal: AbortSignal): Promise<Registration | undefined> {
    const name = requestName(wanted.clusterId);
    const trusted = await this.#trustedBy(stored, name);
    if (trusted.kind === 'refused') {
      this.#o.logger.info('stored credential cannot be used: asking with the registration token', {
        detail: trusted.fault.message,
      });
      return undefined;
    }
    const { request, caPem, unverified } = trusted;
    if (!request) {
      this.#o.logger.info('the parent holds no registration request of this cluster: registering anew', { name });
      return undefined;
    }
    const outcome = await readOutcome(request, stored.key);
    if (outcome.kind === 'denied') throw deniedFault(name, outcome.message);
    if (outcome.kind === 'pending' && request.status?.result !== 'Approved') return undefined;
    const credential = outcome.kind === 'approved' ? outcome.credential : stored.credential;
    const accepted = credential.token === stored.credential.token ? { caPem } : undefined;
    const still = outcome.kind === 'approved' ? unverified : stored.unverified;
    return this.#finish({ ...stored, credential, unverified: still }, { name, request, wanted, accepted, signal });
  }

  async #register(
    stored: StoredRegistration & { key: PrivateJwk },
    wanted: WantedCluster,
    signal: AbortSignal,
  ): Promise<Registration> {
    const name = requestName(wanted.clusterId);
    const { request, credential } = await this.#withRegistrationToken(this.#learned(stored), async (parent, token) => {
      let current: ClusterRegistrationRequest | undefined = await this.#createOrGet(parent, buildRequest(wanted, stored.key));
      this.#acceptedTokens.add(token);
      for (let polls = 0; ; polls++) {
        if (!current) throw new RegistrationFault('RequestDeleted', `${name} was deleted at the parent before it was approved`);
        const outcome = await readOutcome(current, stored.key);
        if (outcome.kind === 'denied') throw deniedFault(name, outcome.message);
        if (outcome.kind === 'approved') return { request: current, credential: outcome.credential };
        this.#o.reporter.pending(outcome.message + this.#staleName(current, wanted));
        await this.#o.sleep(pollDelay(polls) * (1 + 0.4 * this.#o.random()), signal);
        current = await parent.get(name);
      }
    });
    const adopted = request.spec?.clusterName || wanted.clusterName;
    const unverified = this.#o.options.parent.insecure;
    return this.#finish({ ...stored, clusterName: adopted, credential, unverified }, { name, request, wanted, signal });
  }

  /** A request keeps the name it was made with, as the registration token may not change it. */
  #staleName(request: ClusterRegistrationRequest, { clusterName }: WantedCluster): string {
    const asked = request.spec?.clusterName;
    if (!asked || asked === clusterName) return '';
    return `; the request still asks for the name ${asked}: delete it at the parent (kubectl delete clsrr ${request.metadata.name}) so that the agent can ask for ${clusterName}`;
  }

  async #createOrGet(parent: ParentApi, request: ClusterRegistrationRequest): Promise<ClusterRegistrationRequest | undefined> {
    try {
      return await parent.create(request);
    } catch (error) {
      if (isAlreadyExists(error)) return parent.get(request.metadata.name ?? '');
      throw error;
    }
  }

  /** Makes sure the parent accepts the credential, stores it, and carries changed flags over. */
  async #finish(stored: Registration['stored'], o: FinishOptions): Promise<Registration> {
    const { caPem } = o.accepted ?? { caPem: await this.#verify(stored, o) };
    await this.#inChild(() => this.#o.store.save(stored));
    await this.#o.clock.refresh();
    const skew = this.#o.clock.skew();
    if (skew) this.#o.reporter.note('ClockSkew', `the clock of this machine is ${skew} the parent's: set it (NTP)`);
    await this.#carryFlags(stored, o, caPem);
    return { stored, requestName: o.name, caPem };
  }

  async #verify(stored: Registration['stored'], { name, signal }: FinishOptions): Promise<string | undefined> {
    for (let attempt = 0; ; attempt++) {
      const trusted = await this.#trustedBy(stored, name);
      if (trusted.kind === 'accepted') return trusted.caPem;
      // The parent's authorizer learns of fresh RBAC objects a moment later than the request says Approved.
      if (trusted.fault.reason !== 'Forbidden' || attempt >= 4) throw trusted.fault;
      await this.#o.sleep(500 * 2 ** attempt, signal);
    }
  }

  async #carryFlags(
    stored: Registration['stored'],
    { request, wanted, name }: FinishOptions,
    caPem: string | undefined,
  ): Promise<void> {
    const { options, reporter, logger } = this.#o;
    if (options.name && options.name !== stored.clusterName) {
      reporter.note(
        'ClusterNameFixed',
        `this cluster is registered as ${stored.clusterName}; --cluster-reg-name=${options.name} has no effect until it is deregistered`,
      );
    }
    const patch = requestPatch(request, wanted, stored.key);
    if (!patch) return;
    try {
      const connection = { url: options.parent.url, token: stored.credential.token, caPem };
      await this.#using(connection, 'dedicated', (parent) => parent.patch(name, patch));
      logger.info('changed flags were sent to the parent', { fields: Object.keys(patch.spec) });
    } catch (error) {
      // Parents of the upstream kind forbid it: the cluster works on with the values it registered with.
      reporter.note(
        'FlagsNotPropagated',
        `the parent did not take the changed flags: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Tries the CA that the parent reported, then the one the operator gave: after a change of CA at most one of them fits. */
  async #trustedBy(stored: Registration['stored'], name: string): Promise<Trusted> {
    const { parent } = this.#o.options;
    const { credential } = stored;
    const given = await parent.ca();
    const reported = stored.unverified && given !== undefined ? undefined : credential.caPem;
    const candidates = reported === undefined || reported === given ? [given] : parent.insecure ? [reported] : [reported, given];
    let fault: RegistrationFault | undefined;
    for (const caPem of candidates) {
      try {
        const request = await this.#using({ url: parent.url, token: credential.token, caPem }, 'dedicated', (api) =>
          api.get(name),
        );
        if (fault)
          this.#o.logger.warn(
            'the stored CA does not verify the parent any more, the given CA does: the CA of the parent was replaced',
          );
        return { kind: 'accepted', request, caPem, unverified: stored.unverified === true && caPem === reported };
      } catch (error) {
        fault = error instanceof RegistrationFault ? error : unexpected(error);
        const unverified = fault.reason === 'UnknownAuthority';
        if (!unverified && !isUnauthorized(fault.cause) && !isForbidden(fault.cause)) throw fault;
        if (!unverified) break;
      }
    }
    return { kind: 'refused', fault: fault ?? new RegistrationFault('UnknownAuthority', 'no CA verifies the parent') };
  }

  /** The CA that a parent reported which was verified itself. */
  #learned({ credential, unverified }: StoredRegistration): string | undefined {
    return unverified ? undefined : credential?.caPem;
  }

  /**
   * Runs one exchange with the registration token. The CA of the operator comes first; `learned` counts where that does not verify
   * the parent, as after a rotation that the operator's copy was left out of.
   */
  async #withRegistrationToken<T>(
    learned: string | undefined,
    run: (parent: ParentApi, token: string) => Promise<T>,
  ): Promise<T> {
    const { parent } = this.#o.options;
    const { url, insecure } = parent;
    const [given, token] = [await parent.ca(), await parent.token()];
    const using = (caPem: string | undefined): Promise<T> =>
      this.#using({ url, token, caPem, insecure }, 'registration', (parent) => run(parent, token));
    if (insecure || learned === undefined || learned === given) return using(given);
    try {
      return await using(given);
    } catch (error) {
      if (!(error instanceof RegistrationFault) || error.reason !== 'UnknownAuthority') throw error;
      return using(learned);
    }
  }

  /** Runs one exchange with the parent; what it throws says what to do. */
  async #using<T>(
    connection: ParentConnection,
    credential: 'registration' | 'dedicated',
    run: (parent: ParentApi) => Promise<T>,
  ): Promise<T> {
    const parent = this.#o.connect(connection);
    try {
      const result = await run(parent);
      this.#acceptedTokens.add(connection.token);
      return result;
    } catch (error) {
      if (isCertificateFailure(error) || isUnauthorized(error)) await this.#o.clock.refresh();
      if (isNotFound(error) && credential === 'dedicated') throw unexpected(error);
      throw classifyFailure(error, {
        url: connection.url,
        token: connection.token,
        credential,
        // A dedicated credential is only ever one that the parent itself issued.
        acceptedBefore: credential === 'dedicated' || this.#acceptedTokens.has(connection.token),
        now: this.#o.now(),
        parentNow: this.#o.clock.known(),
      });
    } finally {
      await parent.close();
    }
  }

  async #inChild<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new RegistrationFault('ChildUnavailable', `this cluster's own API server does not let the agent work: ${detail}`, {
        cause: error,
      });
    }
  }
}

interface FinishOptions {
  name: string;
  request: ClusterRegistrationRequest;
  wanted: WantedCluster;
  /** Set when the parent has accepted the credential in this attempt already: the CA by which it was verified. */
  accepted?: { caPem: string | undefined };
  signal: AbortSignal;
}

type Trusted =
  | { kind: 'accepted'; request: ClusterRegistrationRequest | undefined; caPem: string | undefined; unverified: boolean }
  | { kind: 'refused'; fault: RegistrationFault };

function pollDelay(polls: number): number {
  if (polls === 0) return pollMs.first;
  if (polls === 1) return pollMs.second;
  return polls < slowAfterPolls ? pollMs.usual : pollMs.slow;
}

function deniedFault(name: string, message: string): RegistrationFault {
  return new RegistrationFault('RequestDenied', `the parent denied ${name}: ${message}`);
}

function unexpected(error: unknown): RegistrationFault {
  return new RegistrationFault('Unexpected', error instanceof Error ? error.message : String(error), { cause: error });
}
