// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Clock } from '@clusternet/runtime';
import { PromiseCache } from '../util/promiseCache.ts';
import { type User } from './user.ts';

/** Options of {@link TokenAuthenticator}. */
export interface TokenAuthenticatorOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Milliseconds an accepted token is believed without asking again. */
  ttlMs: number;
  clock?: Clock;
}

/** A refused token is asked about again soon: it may just have been made. */
const refusedTtlMs = 1_000;
const maxTokens = 4_096;
const reviewTimeoutMs = 10_000;

/** Asks the API server whose a bearer token is. */
export class TokenAuthenticator {
  readonly #client: Pick<KubeClient, 'resource'>;
  readonly #cache: PromiseCache<User | undefined>;
  readonly #salt = createSecretKey(randomBytes(32));

  constructor({ client, ttlMs, clock }: TokenAuthenticatorOptions) {
    this.#client = client;
    this.#cache = new PromiseCache({
      max: maxTokens,
      ttlMs: (user) => (user ? ttlMs : Math.min(ttlMs, refusedTtlMs)),
      clock,
    });
  }

  /**
   * @returns undefined for a token that is nobody's
   * @throws ApiError or ConnectionError when the API server could not be asked
   */
  async authenticate(token: string): Promise<User | undefined> {
    // Tokens stay in memory no longer than their request.
    const key = createHmac('sha256', this.#salt).update(token).digest('base64');
    return this.#cache.get(key, () => this.#review(token));
  }

  async #review(token: string): Promise<User | undefined> {
    const { status } = await this.#client.resource<TokenReview>(core.tokenReviews).create(
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: {} as TokenReview['metadata'],
        spec: { token },
      },
      { timeoutMs: reviewTimeoutMs },
    );
    const user = status?.user;
    if (!status?.authenticated || !user?.username) return undefined;
    const extra = Object.fromEntries(Object.entries(user.extra ?? {}).map(([key, values]) => [key.toLowerCase(), values]));
    return { name: user.username, ...(user.uid && { uid: user.uid }), groups: user.groups ?? [], extra };
  }
}

interface TokenReview extends KubeObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}
