// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { type KeyPairPem } from '@clusternet/pki';
import { LocalupError, messageOf } from './errors.ts';

/** An API server's answer that says no. */
export class KubeApiError extends LocalupError {
  override name = 'KubeApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Any Kubernetes object. */
export interface AnyObject {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; [key: string]: unknown };
  [key: string]: unknown;
}

/** The few requests that localup itself makes of an API server, as the cluster's admin. */
export class KubeApi {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(options: { server: string; caPem: string; certificate: KeyPairPem }) {
    this.#server = options.server;
    this.#agent = new Agent({
      connect: { ca: options.caPem, cert: options.certificate.cert, key: options.certificate.key, timeout: 20_000 },
      connections: 8,
    });
  }

  /**
   * One request; `path` is absolute, with its query.
   * @throws KubeApiError when the server answers with an error.
   */
  async request<T = AnyObject>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const answer = await this.text(method, path, body, contentType);
    if (answer.status >= 400) throw new KubeApiError(answer.status, `${method} ${path}: ${statusMessage(answer)}`);
    return JSON.parse(answer.body) as T;
  }

  /** What lies at `path`, or `undefined` if nothing does. */
  async find<T = AnyObject>(path: string): Promise<T | undefined> {
    try {
      return await this.request<T>('GET', path);
    } catch (cause) {
      if (cause instanceof KubeApiError && cause.status === 404) return undefined;
      throw cause;
    }
  }

  /** Server-side apply of an object at its own path. */
  async apply<T = AnyObject>(path: string, object: object): Promise<T> {
    return this.request<T>('PATCH', `${path}?fieldManager=localup&force=true`, object, 'application/apply-patch+yaml');
  }

  /** One request whose answer is not read as JSON, whatever its status. */
  async text(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<{ status: number; body: string }> {
    const response = await request(this.#server + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
    });
    return { status: response.statusCode, body: await response.body.text() };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Asks until `question` answers something that is not `undefined`, or says what stood in the way. */
export async function until<T>(options: {
  what: string;
  timeoutMs: number;
  intervalMs?: number;
  question: () => Promise<T | undefined>;
  /** A reason to give up at once. */
  hopeless?: () => string | undefined;
}): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last = 'no answer yet';
  for (;;) {
    try {
      const answer = await options.question();
      if (answer !== undefined) return answer;
    } catch (cause) {
      last = messageOf(cause);
    }
    const reason = options.hopeless?.();
    if (reason !== undefined) throw new LocalupError(`${options.what}: ${reason}`);
    if (Date.now() > deadline) throw new LocalupError(`${options.what}: not within ${options.timeoutMs / 1000} s (${last})`);
    await sleep(options.intervalMs ?? 100);
  }
}

function statusMessage(answer: { status: number; body: string }): string {
  try {
    const { message } = JSON.parse(answer.body) as { message?: string };
    if (message !== undefined) return message;
  } catch {
    // Not a Status object: shown as it came.
  }
  return `${answer.status} ${answer.body.slice(0, 300)}`;
}
