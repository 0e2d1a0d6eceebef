// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Logger } from '../logging/logger.ts';
import { systemClock, type Clock } from '../util/clock.ts';
import { toError } from '../util/errors.ts';
import { type KeyPair } from './selfSigned.ts';

/** Options of {@link ServingCertificate.load}. */
export interface ServingCertificateOptions {
  certFile: string | undefined;
  keyFile: string | undefined;
  logger: Logger;
  clock?: Clock;
}

/** Half of the validity of a self-made certificate, after which it is made anew; files are looked at each minute. */
const renewMs = 182 * 24 * 3_600_000;
const lookMs = 60_000;

/** The certificate a server shows, kept current: from files as they are rotated, or made in memory. */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  readonly #clock: Clock;
  #current: KeyPair;
  #madeMs: number;
  #cancel: (() => void) | undefined;
  #closed = false;

  private constructor(options: ServingCertificateOptions, clock: Clock, current: KeyPair) {
    this.#options = options;
    this.#clock = clock;
    this.#current = current;
    this.#madeMs = clock.monotonic();
  }

  /** @throws an Error that says which file is missing, unreadable or does not fit */
  static async load(options: ServingCertificateOptions): Promise<ServingCertificate> {
    const clock = options.clock ?? systemClock;
    if ((options.certFile === undefined) !== (options.keyFile === undefined)) {
      throw new Error('--tls-cert-file and --tls-private-key-file must be given together');
    }
    return new ServingCertificate(options, clock, await read(options, clock));
  }

  get current(): KeyPair {
    return this.#current;
  }

  /** Calls back with each new certificate until closed. */
  follow(onChange: (pair: KeyPair) => void): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(() => void this.refresh(onChange), lookMs);
  }

  /** Looks for a new certificate now. */
  async refresh(onChange: (pair: KeyPair) => void): Promise<void> {
    try {
      const due = this.#options.certFile !== undefined || this.#clock.monotonic() - this.#madeMs >= renewMs;
      const next = due ? await read(this.#options, this.#clock) : this.#current;
      if (!this.#closed && next.cert !== this.#current.cert) {
        this.#current = next;
        this.#madeMs = this.#clock.monotonic();
        onChange(next);
        this.#options.logger.info('serving certificate replaced');
      }
    } catch (error) {
      // Certificate and key are written one after the other: for a moment they do not fit, and the old pair goes on serving.
      this.#options.logger.warn('cannot load the new serving certificate; keeping the old one', { error: toError(error) });
    }
    if (!this.#closed) this.follow(onChange);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }
}

async function read({ certFile, keyFile }: ServingCertificateOptions, clock: Clock): Promise<KeyPair> {
  if (certFile === undefined || keyFile === undefined) {
    // Loaded when needed only: the certificate library takes longer to load than everything else here.
    const { selfSigned } = await import('./selfSigned.ts');
    return selfSigned(clock.now());
  }
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new Error(`${certFile} and ${keyFile} are not a certificate and its key`, { cause: error });
  }
  return { cert, key };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${path}`, { cause: error });
  }
}
