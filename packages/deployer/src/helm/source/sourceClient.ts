// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, request } from 'undici';
import { type ChartCredentials } from './chartRef.ts';
import { ChartSourceError } from './chartSourceError.ts';
import { type SourcePolicy } from './sourcePolicy.ts';

/** One request to a repository. */
export interface SourceRequest {
  url: URL;
  accept?: string;
  /** Sent to the host of `url` only, not to where it redirects. */
  authorization?: string;
  /** Most bytes of the body. */
  limit: number;
  signal?: AbortSignal;
}

/** What a repository answered. */
export interface SourceAnswer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Buffer;
}

const maxRedirects = 5;
const connectMs = 10_000;
const totalMs = 120_000;

/**
 * Talks HTTP to chart repositories: within an address policy at every hop, with bounded answers and times, verified TLS, and credentials
 * that never leave the host they are for. Close it when done.
 */
export class SourceClient {
  readonly #agent: Agent;
  readonly #policy: SourcePolicy;

  constructor(o: { policy: SourcePolicy; /** CAs besides those of the system, PEM. */ ca?: (string | undefined)[] }) {
    this.#policy = o.policy;
    const further = (o.ca ?? []).filter((pem): pem is string => pem !== undefined && pem.trim() !== '');
    const connect = buildConnector({
      timeout: connectMs,
      lookup: o.policy.lookup,
      ...(further.length > 0 ? { ca: [...rootCertificates, ...further] } : {}),
    });
    this.#agent = new Agent({
      connect: (options, callback) => {
        try {
          // An address in a URL is never looked up.
          o.policy.checkHost(options.hostname);
        } catch (error) {
          callback(error as Error, null);
          return;
        }
        connect(options, callback);
      },
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
      keepAliveTimeout: 1_000,
    });
  }

  /**
   * Reads `url`, following redirects.
   *
   * @throws ChartSourceError `Unavailable` without an answer, `Invalid` for one that is too large or leads astray
   */
  async get(r: SourceRequest): Promise<SourceAnswer> {
    const deadline = AbortSignal.timeout(totalMs);
    const signal = r.signal ? AbortSignal.any([r.signal, deadline]) : deadline;
    let { url } = r;
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await this.#once({
        ...r,
        url,
        authorization: url.origin === r.url.origin ? r.authorization : undefined,
        signal,
      });
      const location = answer.headers['location'];
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (next === undefined || !['http:', 'https:'].includes(next.protocol)) {
        throw new ChartSourceError('Invalid', `${plain(url)} redirects to something that is not http or https`);
      }
      if (url.protocol === 'https:' && next.protocol === 'http:') {
        throw new ChartSourceError('Invalid', `${plain(url)} redirects from https to http, which is not followed`);
      }
      url = next;
    }
    throw new ChartSourceError('Invalid', `${plain(r.url)} redirects more than ${maxRedirects} times`);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #once(r: SourceRequest): Promise<SourceAnswer> {
    try {
      this.#policy.checkHost(r.url.hostname);
      const { statusCode, headers, body } = await request(r.url, {
        dispatcher: this.#agent,
        signal: r.signal,
        headers: {
          'user-agent': 'clusternet',
          ...(r.accept === undefined ? {} : { accept: r.accept }),
          ...(r.authorization === undefined ? {} : { authorization: r.authorization }),
        },
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > r.limit) {
          body.destroy();
          throw new ChartSourceError('Invalid', `${plain(r.url)} answers with more than ${r.limit} bytes`);
        }
        chunks.push(chunk);
      }
      const single = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value] as const);
      return { status: statusCode, headers: Object.fromEntries(single), body: Buffer.concat(chunks) };
    } catch (cause) {
      if (cause instanceof ChartSourceError) throw cause;
      throw new ChartSourceError('Unavailable', `${plain(r.url)} cannot be read: ${causeText(cause)}`, { cause });
    }
  }
}

/** The value of an Authorization header; undefined without credentials. */
export function basicAuthorization(credentials: ChartCredentials | undefined): string | undefined {
  const { username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Turns a status that is no success into the error for users. */
export function statusError(url: URL, status: number, withCredentials: boolean): ChartSourceError {
  const where = plain(url);
  if (status === 401 || status === 403) {
    const hint = withCredentials
      ? 'the credentials of chartPullSecret are refused'
      : 'credentials are wanted: put username and password into a Secret and name it in chartPullSecret';
    return new ChartSourceError('Unauthorized', `${where} answers ${status}: ${hint}`);
  }
  if (status === 404 || status === 410)
    return new ChartSourceError('NotFound', `${where} answers ${status}: there is no such thing`);
  return new ChartSourceError(status === 429 || status >= 500 ? 'Unavailable' : 'Invalid', `${where} answers ${status}`);
}

/** A URL as it may be shown: a query can carry a signature. */
export function plain(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it does not answer within ${totalMs / 1000} s`;
  // Several addresses failed: the first tells enough.
  const inner: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}
