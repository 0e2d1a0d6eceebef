// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { systemClock, type Clock } from '../util/clock.ts';

/** What a request is allowed to. */
export type Verdict = 'allowed' | 'unauthenticated' | 'forbidden';

interface Cached {
  verdict: Promise<Verdict>;
  untilMs: number;
}

const cacheMs = 10_000;
const maxCached = 1024;

/**
 * Asks the API server who a bearer token belongs to and whether its owner may read a path, as Kubernetes components do for their `/metrics`.
 *
 * @remarks Verdicts are kept for ten seconds, under a hash of the token. Errors are not kept.
 */
export class DelegatedAuth {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #cache = new Map<string, Cached>();

  constructor(client: KubeClient, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws ApiError or ConnectionError when the API server could not be asked */
  async check(token: string | undefined, path: string): Promise<Verdict> {
    if (token === undefined || token === '') return 'unauthenticated';
    const now = this.#clock.monotonic();
    const id = createHash('sha256').update(`${path}\n${token}`).digest('base64');
    const cached = this.#cache.get(id);
    if (cached && cached.untilMs > now) return cached.verdict;
    const entry: Cached = { verdict: this.#ask(token, path), untilMs: now + cacheMs };
    this.#cache.delete(id);
    this.#cache.set(id, entry);
    for (const [other, { untilMs }] of this.#cache) {
      if (this.#cache.size <= maxCached && untilMs > now) break;
      this.#cache.delete(other);
    }
    try {
      return await entry.verdict;
    } catch (error) {
      if (this.#cache.get(id) === entry) this.#cache.delete(id);
      throw error;
    }
  }

  async #ask(token: string, path: string): Promise<Verdict> {
    const review = await this.#client.resource<TokenReview>(core.tokenReviews).create({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {} as TokenReview['metadata'],
      spec: { token },
    });
    if (!review.status?.authenticated) return 'unauthenticated';
    const { username, uid, groups, extra } = review.status.user ?? {};
    const access = await this.#client.resource<SubjectAccessReview>(core.subjectAccessReviews).create({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {} as SubjectAccessReview['metadata'],
      spec: { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } },
    });
    return access.status?.allowed ? 'allowed' : 'forbidden';
  }
}

interface TokenReview extends KubeObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}

interface SubjectAccessReview extends KubeObject {
  spec: object;
  status?: { allowed?: boolean };
}
