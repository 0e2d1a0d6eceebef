// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ConnectError, toError } from '../errors.ts';
import { KeepAlive } from '../keepAlive.ts';
import type { Mux } from '../mux.ts';
import { settingsOf, type Settings, type TunnelOptions } from '../options.ts';
import type { StreamHandler, Tunnel } from '../tunnel.ts';
import { backoffDelay, type BackoffOptions } from './backoff.ts';
import { connect, type TlsMaterial } from './connect.ts';

/** What a {@link TunnelClient} tells about itself. */
export interface TunnelState {
  connected: boolean;
  /** Since when it is or is not connected. */
  since: Date;
  /** Why it is not. */
  error?: Error;
  /** Attempts since the last tunnel that stayed up. */
  attempts: number;
  tunnel?: Tunnel;
}

/** Settings of a {@link TunnelClient}. */
export interface TunnelClientOptions extends TunnelOptions {
  /** `https://parent/apis/…/sockets/<id>`. */
  url: string;
  /** Headers of the next attempt, the token among them. */
  headers: () => Promise<Record<string, string>>;
  /** What the next attempt trusts and shows. */
  tls: () => Promise<TlsMaterial>;
  /** Opens what the server asks for; without it nothing is served. */
  onStream?: StreamHandler;
  onChange?: (state: TunnelState) => void;
  backoff?: BackoffOptions;
  /** A tunnel that stayed up this long makes earlier failures forgotten. Default 30 s. */
  stableAfterMs?: number;
}

/**
 * Keeps one tunnel up until it is closed. After a loss it comes back at a random moment, later and later while that fails.
 * When the server drains, it makes the next tunnel before the old one ends.
 */
export class TunnelClient {
  readonly #options: TunnelClientOptions;
  readonly #settings: Settings;
  readonly #keepAlive: KeepAlive;
  readonly #url: URL;
  readonly #stopped = new AbortController();
  readonly #tunnels = new Set<Mux>();
  #current: Mux | undefined;
  #since: Date;
  #connected = false;
  #failures = 0;
  #attempts = 0;
  #running: Promise<void> | undefined;
  #onDrain: ((tunnel: Mux, spreadMs: number) => void) | undefined;

  /** @throws TypeError when the URL is not one of http or https */
  constructor(options: TunnelClientOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#keepAlive = new KeepAlive(this.#settings);
    this.#url = new URL(options.url);
    if (this.#url.protocol !== 'https:' && this.#url.protocol !== 'http:')
      throw new TypeError('the URL of a tunnel begins with https://');
    this.#since = this.#settings.clock.now();
  }

  /** The tunnel that is up, if one is. */
  get tunnel(): Tunnel | undefined {
    return this.#current;
  }

  /** Begins to connect, at once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the tunnel and all attempts. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the tunnel client was closed'));
    await Promise.all([...this.#tunnels].map((tunnel) => tunnel.close('the client is going away')));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      let wait: number;
      try {
        wait = await this.#use(await this.#attempt(signal));
      } catch (error) {
        if (signal.aborted) break;
        wait = this.#failed(toError(error));
      }
      await this.#sleep(wait, signal);
    }
    this.#report(undefined);
  }

  async #attempt(signal: AbortSignal): Promise<Mux> {
    this.#attempts++;
    const [headers, tls] = await Promise.all([this.#options.headers(), this.#options.tls()]);
    return connect({
      url: this.#url,
      headers,
      tls,
      settings: this.#settings,
      keepAlive: this.#keepAlive,
      onStream: this.#options.onStream,
      onDrain: (tunnel, spreadMs) => this.#onDrain?.(tunnel, spreadMs),
      signal,
    });
  }

  /** Has the tunnel in use until it ends or is to be replaced; answers how long to wait before the next. */
  async #use(tunnel: Mux): Promise<number> {
    const { clock, random } = this.#settings;
    const upSince = clock.monotonic();
    const { promise: drained, resolve: onDrain } = Promise.withResolvers<{ spreadMs: number }>();
    this.#onDrain = (draining, spreadMs) => draining === tunnel && onDrain({ spreadMs });
    this.#tunnels.add(tunnel);
    this.#current = tunnel;
    void tunnel.closed.then(({ reason }) => {
      this.#tunnels.delete(tunnel);
      if (this.#current !== tunnel) return;
      this.#current = undefined;
      this.#report(new ConnectError(`the tunnel was lost: ${reason}`));
    });
    this.#report(undefined);
    const end = await Promise.race([tunnel.closed, drained]);
    this.#onDrain = undefined;
    if (clock.monotonic() - upSince >= (this.#options.stableAfterMs ?? 30_000)) this.#failures = this.#attempts = 0;
    if ('spreadMs' in end) return random() * end.spreadMs;
    return backoffDelay(this.#failures++, random(), this.#options.backoff);
  }

  #failed(error: Error): number {
    if (!this.#current) this.#report(error);
    const delay = backoffDelay(this.#failures++, this.#settings.random(), this.#options.backoff);
    return delay + Math.min(error instanceof ConnectError ? (error.retryAfterMs ?? 0) : 0, 60_000);
  }

  #report(error: Error | undefined): void {
    const connected = this.#current !== undefined;
    if (connected !== this.#connected) this.#since = this.#settings.clock.now();
    this.#connected = connected;
    this.#options.onChange?.({ connected, since: this.#since, error, attempts: this.#attempts, tunnel: this.#current });
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#settings.clock.setTimer(resolve, ms);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    stop();
  }
}
