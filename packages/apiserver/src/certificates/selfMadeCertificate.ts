// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { type KubeClient } from '@clusternet/client';
import { type Clock, type Logger, retry, systemClock, toError } from '@clusternet/runtime';
import { ensureBundle } from './apiServiceBundle.ts';
import { type Authority, shareAuthority } from './authoritySecret.ts';
import { issueServing, type KeyPairPem } from './pki.ts';

/** Options of {@link SelfMadeCertificate.create}. */
export interface SelfMadeCertificateOptions {
  client: Pick<KubeClient, 'resource'>;
  logger: Logger;
  namespace: string;
  /** Name of the Secret that holds the authority. */
  authoritySecret: string;
  /** Name of the Service through which callers come. */
  service: string;
  /** APIServices whose `caBundle` is kept. */
  apiServices: readonly string[];
  /** Further DNS names and addresses, such as the pod's own. */
  hosts?: readonly string[];
  /** Ends the waiting for an API server that is away. */
  signal?: AbortSignal;
  clock?: Clock;
}

const lifetimeMs = 30 * 24 * 3_600_000;
const renewedAt = 2 / 3;
const lookMs = 30_000;
/** Until the APIServices, which may be made after us, trust the authority. */
const waitingLookMs = 3_000;

/**
 * A serving certificate of this replica, signed by an authority that all replicas share, and the trust of kube-apiserver in it.
 *
 * @remarks
 * Looked after every half minute, and sooner until it is trusted. When the authority changes, the old and the new are trusted for as long as the old is valid, and a certificate
 * signed by the new one is shown only once a look has found the trust where it belongs: there is no moment in which a caller refuses it.
 */
export class SelfMadeCertificate {
  readonly #options: SelfMadeCertificateOptions;
  readonly #clock: Clock;
  #authority: Authority;
  #current: KeyPairPem;
  #onChange: ((pair: KeyPairPem) => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #trusted = false;
  #closed = false;

  private constructor(options: SelfMadeCertificateOptions, authority: Authority, current: KeyPairPem) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#authority = authority;
    this.#current = current;
  }

  /** Finds or makes the authority, waiting for an API server that is away. */
  static async create(options: SelfMadeCertificateOptions): Promise<SelfMadeCertificate> {
    const { logger, signal, clock = systemClock } = options;
    const authority = await retry(() => shareAuthority(secretOf(options), clock.now()), {
      signal,
      clock,
      onRetry: (error, _attempt, delayMs) => {
        logger.warn('cannot get the certificate authority yet', { delayMs, error: toError(error) });
      },
    });
    const made = new SelfMadeCertificate(options, authority, await issue(options, authority, clock.now()));
    await made.#trust(authority.bundle);
    return made;
  }

  get current(): KeyPairPem {
    return this.#current;
  }

  /** What to verify this server with. */
  get bundle(): string {
    return this.#authority.bundle;
  }

  /** Calls back with each new certificate until closed. */
  follow(onChange: (pair: KeyPairPem) => void): void {
    this.#onChange = onChange;
    this.#schedule();
  }

  /** Looks after everything now; what fails is logged and tried again with the next look. */
  async look(): Promise<void> {
    const { logger } = this.#options;
    try {
      const now = this.#clock.now();
      this.#authority = await shareAuthority(secretOf(this.#options), now);
      const trusted = await this.#trust(this.#authority.bundle);
      const signedByCurrent = isSignedBy(this.#current.cert, this.#authority.pair.cert);
      if ((signedByCurrent && !isDue(this.#current.cert, now)) || (!signedByCurrent && !trusted)) return;
      this.#current = await issue(this.#options, this.#authority, now);
      if (this.#closed) return;
      this.#onChange?.(this.#current);
      logger.info('serving certificate replaced', { newAuthority: !signedByCurrent });
    } catch (error) {
      logger.warn('cannot look after the serving certificate; trying again', { error: toError(error) });
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  /** Whether the bundle was in all APIServices before. */
  async #trust(bundle: string): Promise<boolean> {
    const { apiServices, client, logger } = this.#options;
    const found = await Promise.all(
      apiServices.map((name) =>
        ensureBundle(client, name, bundle).catch((error: unknown) => {
          logger.warn('cannot put the CA bundle into an APIService', { name, error: toError(error) });
          return false;
        }),
      ),
    );
    this.#trusted = found.every(Boolean);
    return this.#trusted;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancelTimer = this.#clock.setTimer(
      () => void this.look().then(() => this.#schedule()),
      this.#trusted ? lookMs : waitingLookMs,
    );
  }
}

function secretOf({ client, namespace, authoritySecret: name }: SelfMadeCertificateOptions) {
  return { client, namespace, name };
}

function issue(options: SelfMadeCertificateOptions, authority: Authority, now: Date): Promise<KeyPairPem> {
  const { service, namespace, hosts = [] } = options;
  const names = [`${service}.${namespace}.svc`, service, `${service}.${namespace}`, `${service}.${namespace}.svc.cluster.local`];
  return issueServing(authority.pair, [...names, 'localhost', '127.0.0.1', '::1', ...hosts], { now, lifetimeMs });
}

function isSignedBy(cert: string, authority: string): boolean {
  return new X509Certificate(cert).verify(new X509Certificate(authority).publicKey);
}

function isDue(cert: string, now: Date): boolean {
  const { validFrom, validTo } = new X509Certificate(cert);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return now.getTime() >= from + (to - from) * renewedAt;
}
