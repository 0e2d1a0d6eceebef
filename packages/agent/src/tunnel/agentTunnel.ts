// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, names, resources } from '@clusternet/api-types';
import { backoffDelay, sleep, type Logger } from '@clusternet/runtime';
import { TunnelClient, type StreamHandler, type TunnelClientOptions, type TunnelState } from '@clusternet/tunnel';
import { DialError } from './dialError.ts';
import { type Dialer } from './dialer.ts';
import { parseTarget, type Target } from './target.ts';
import { tunnelFault } from './tunnelFault.ts';
import { type TunnelMetrics } from './tunnelMetrics.ts';
import { type TunnelReporter } from './tunnelReporter.ts';

/** What an {@link AgentTunnel} works with. */
export interface AgentTunnelOptions {
  parentUrl: string;
  clusterId: string;
  /** Credential of this cluster for its parent, as it is now. */
  token: () => string;
  /** CA of the parent as it is now, PEM; `undefined` means the system roots. */
  ca: () => string | undefined;
  /** The parent refused the credential, or its certificate is refused: time to look after both. */
  onDistrust: () => void;
  dialer: Pick<Dialer, 'dial'>;
  /** The leadership under which it is held. */
  signal: AbortSignal;
  /** Tell of each stream, at debug level. */
  logStreams: boolean;
  reporter: TunnelReporter;
  metrics: TunnelMetrics;
  logger: Logger;
  /** Timing of the tunnel. */
  timing?: Pick<TunnelClientOptions, 'backoff' | 'keepAliveMs' | 'deadAfterMs' | 'random'>;
  /** How long to stay away after a refusal that somebody has to mend. */
  refusedBackoff?: { initialMs: number; maxMs: number };
}

/** Long enough that a thousand refused agents are no load, short enough that nobody waits long once the cause is mended. */
const defaultRefusedBackoff = { initialMs: 10_000, maxMs: 300_000 };

/**
 * URL of a cluster's tunnel.
 *
 * @remarks `attach`, as API servers take that subresource for long-running: the tunnel then holds none of the seats by which they limit
 * requests. The hub takes the same connection without it too.
 */
export function tunnelUrl(parentUrl: string, clusterId: string): string {
  return `${parentUrl}/apis/${apiVersionOf(resources.sockets)}/${resources.sockets.resource}/${clusterId}/attach`;
}

/**
 * Holds the tunnel to the parent while this replica leads, and opens in this cluster what the parent asks for through it. The bytes
 * are TLS between the parent and the target: this end never sees what they say.
 */
export class AgentTunnel {
  readonly #o: AgentTunnelOptions;
  readonly #client: TunnelClient;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #hold: Promise<unknown> = Promise.resolve();
  #refusals = 0;
  #wasUp = false;
  #closing: Promise<void> | undefined;

  constructor(options: AgentTunnelOptions) {
    this.#o = options;
    this.#client = new TunnelClient({
      ...options.timing,
      url: tunnelUrl(options.parentUrl, options.clusterId),
      headers: () => this.#headers(),
      tls: () => {
        const ca = options.ca();
        return Promise.resolve(ca === undefined ? {} : { ca });
      },
      onStream: this.#open,
      onChange: (state) => this.#changed(state),
    });
  }

  /** Begins to connect. */
  start(): void {
    const { signal } = this.#o;
    if (signal.aborted || this.#closing) return;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#client.start();
  }

  /** There is a new credential: a refusal of the old one counts no more. A tunnel that is up stays as it is. */
  readonly credentialRenewed = (): void => {
    this.#wake.abort();
  };

  /** Ends the tunnel and all that runs through it, at once. */
  close(): Promise<void> {
    this.#o.signal.removeEventListener('abort', this.#onAbort);
    if (!this.#closing) {
      this.#closing = this.#client.close();
      this.#stop.abort();
    }
    return this.#closing;
  }

  readonly #onAbort = (): void => void this.close();

  async #headers(): Promise<Record<string, string>> {
    await this.#hold;
    // A process that stood still learns here that its time is over, before it takes the tunnel from its successor.
    if (this.#isOver()) throw new Error('this agent does not lead any more');
    return { authorization: `Bearer ${this.#o.token()}`, 'user-agent': names.agent };
  }

  #changed({ connected, error, tunnel, attempts }: TunnelState): void {
    if (this.#isOver()) return;
    const { metrics, onDistrust, parentUrl, reporter } = this.#o;
    if (connected && tunnel) {
      this.#refusals = 0;
      this.#wasUp = true;
      metrics.connected(tunnel);
      reporter.up({ id: tunnel.id, attempts });
      return;
    }
    if (!error) return;
    const fault = tunnelFault(error, { url: parentUrl, wasUp: this.#wasUp });
    this.#wasUp = false;
    metrics.failed(fault.reason);
    reporter.down(fault);
    if (!fault.lasting) return;
    if (fault.reason === 'TunnelUnauthorized' || fault.reason === 'TunnelUntrusted') onDistrust();
    this.#stayAway();
  }

  #stayAway(): void {
    const pauseMs = backoffDelay(this.#refusals++, { ...(this.#o.refusedBackoff ?? defaultRefusedBackoff), jitter: 0.5 });
    this.#wake = new AbortController();
    // Cut short by the end or by a new credential, both of which are no failure.
    this.#hold = sleep(pauseMs, AbortSignal.any([this.#stop.signal, this.#wake.signal])).catch(() => undefined);
  }

  readonly #open: StreamHandler = async (text, { signal }) => {
    const started = performance.now();
    let target: Target | undefined;
    try {
      if (this.#isOver()) throw new DialError('UNREACHABLE', 'this agent does not lead any more');
      target = parseTarget(text);
      const socket = await this.#o.dialer.dial(target, signal);
      const seconds = (performance.now() - started) / 1000;
      const ended = this.#o.metrics.opened(target.to, seconds);
      socket.once('close', () => {
        ended();
        const { bytesRead: bytesOut, bytesWritten: bytesIn } = socket;
        this.#log('tunnel stream ended', target, { bytesIn, bytesOut, seconds: (performance.now() - started) / 1000 });
      });
      this.#log('tunnel stream opened', target, { address: socket.remoteAddress, dialSeconds: seconds });
      return socket;
    } catch (error) {
      const reason = error instanceof DialError ? error.code.toLowerCase() : 'canceled';
      this.#o.metrics.refused(reason);
      this.#log('tunnel stream refused', target, { reason, error });
      throw error;
    }
  };

  #isOver(): boolean {
    if (this.#closing === undefined && this.#o.signal.aborted) void this.close();
    return this.#closing !== undefined;
  }

  #log(message: string, target: Target | undefined, fields: Record<string, unknown>): void {
    const { logger, logStreams } = this.#o;
    if (logStreams && logger.isEnabled('debug')) logger.debug(message, { target: describe(target), ...fields });
  }
}

function describe(target: Target | undefined): string {
  if (!target) return 'unknown';
  return target.to === 'direct' ? 'direct' : `${target.host} port ${target.port}`;
}
