// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { lookup as systemLookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { aborted } from '@clusternet/runtime';
import { errorCodes } from '../registration/classify.ts';
import { DialError } from './dialError.ts';
import { mayDial, type AllowRule } from './dialPolicy.ts';
import { type Target } from './target.ts';

/** Gives all addresses of a name. */
export type Lookup = (host: string) => Promise<string[]>;

/** Opens a connection to one address. @throws the system's error, or the signal's reason. */
export type Connect = (address: string, port: number, signal: AbortSignal) => Promise<Socket>;

/** What a {@link Dialer} may do, and with what. */
export interface DialerOptions {
  /** URL of the cluster's own API server. */
  apiServer: string;
  allow: readonly AllowRule[];
  /** Hosts and ports that the operator named for the parent by another flag; reached whatever the policy. */
  known?: readonly { host: string; port: number }[];
  /** For name, check and connection together; 10 s if not given. */
  timeoutMs?: number;
  /** Injected for tests. */
  lookup?: Lookup;
  connect?: Connect;
}

const defaultTimeoutMs = 10_000;
/** So that a peer that vanished without a word is noticed in minutes, not in hours. */
const tcpKeepAliveMs = 15_000;

/**
 * Opens what the parent asks for, if it may. A name is resolved once: the addresses that the policy lets pass are the ones dialled, so
 * that a name which changes its mind in between leads nowhere.
 */
export class Dialer {
  readonly #o: DialerOptions;
  readonly #api: { host: string; port: number };

  constructor(options: DialerOptions) {
    this.#o = options;
    const url = new URL(options.apiServer);
    const port = Number(url.port) || (url.protocol === 'http:' ? 80 : 443);
    this.#api = { host: url.hostname.replace(/^\[|\]$/g, ''), port };
  }

  /**
   * A connection that lets either end finish first.
   *
   * @throws DialError; the signal's reason when it is aborted
   */
  async dial(target: Target, signal: AbortSignal): Promise<Socket> {
    const timeoutMs = this.#o.timeoutMs ?? defaultTimeoutMs;
    const late = AbortSignal.timeout(timeoutMs);
    const both = AbortSignal.any([signal, late]);
    const { host, port } = target.to === 'direct' ? this.#api : target;
    try {
      const addresses = await this.#addresses(host, both);
      const known = target.to === 'direct' || this.#o.known?.some((one) => one.host === host && one.port === port);
      return await this.#first(known ? addresses : this.#allowed(addresses, { host, port }), port, both);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DialError) throw error;
      const what = target.to === 'direct' ? 'the API server of this cluster' : `${host} port ${port}`;
      const why = late.aborted ? `no answer within ${timeoutMs / 1000} s` : (errorCodes(error)[0] ?? 'it failed');
      throw new DialError('UNREACHABLE', `${what} is not reached: ${why}`, { cause: error });
    }
  }

  async #addresses(host: string, signal: AbortSignal): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    // A lookup cannot be called off; nobody waits for it once it is late.
    return Promise.race([(this.#o.lookup ?? lookupAll)(host), rejection(signal)]);
  }

  #allowed(addresses: string[], { host, port }: { host: string; port: number }): string[] {
    const verdicts = addresses.map((address) => ({ address, verdict: mayDial(address, port, this.#o.allow) }));
    const allowed = verdicts.filter(({ verdict }) => verdict.allowed).map(({ address }) => address);
    const [first] = verdicts;
    if (allowed.length === 0 && first && !first.verdict.allowed) {
      const named = host === first.address ? '' : ` (${first.address})`;
      throw new DialError('FORBIDDEN', `the agent may not reach ${host}${named} port ${port}: ${first.verdict.why}`);
    }
    return allowed;
  }

  /** The first address that answers; each may take its share of the time that is left. */
  async #first(addresses: string[], port: number, signal: AbortSignal): Promise<Socket> {
    const deadline = performance.now() + (this.#o.timeoutMs ?? defaultTimeoutMs);
    let failure: unknown = new DialError('UNREACHABLE', 'the name has no address');
    for (const [index, address] of addresses.entries()) {
      const left = addresses.length - index;
      const share = AbortSignal.timeout(Math.max(1, Math.floor((deadline - performance.now()) / left)));
      try {
        return await (this.#o.connect ?? connectTcp)(address, port, left === 1 ? signal : AbortSignal.any([signal, share]));
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }
}

async function rejection(signal: AbortSignal): Promise<never> {
  await aborted(signal);
  throw reasonOf(signal);
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the dial was given up', { cause: signal.reason });
}

const lookupAll: Lookup = async (host) => (await systemLookup(host, { all: true })).map(({ address }) => address);

const connectTcp: Connect = (host, port, signal) =>
  new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveMs,
    });
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => {
      socket.destroy();
      onError(reasonOf(signal));
    };
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
    socket.once('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
