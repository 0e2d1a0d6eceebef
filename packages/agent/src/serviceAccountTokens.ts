// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { core, type KubeClient } from '@clusternet/client';
import { type KubeObject } from '@clusternet/api-types';

/** A token of a ServiceAccount in the child. */
export interface IssuedToken {
  token: string;
  /** When a successor should be asked for: half of its life. */
  renewAt: Date;
}

/** How tokens are asked for. */
export interface TokenIssuerOptions {
  child: Pick<KubeClient, 'request' | 'resource'>;
  /** Namespace of the agent in the child. */
  namespace: string;
  /** Name of the ServiceAccount. */
  name: string;
  now: () => Date;
}

const ownLifeSeconds = 3_600;

/** Asks the child for short-lived tokens of one of its ServiceAccounts. */
export class ServiceAccountTokens {
  readonly #o: TokenIssuerOptions;
  #current: IssuedToken | undefined;
  #renewing: Promise<IssuedToken> | undefined;

  constructor(options: TokenIssuerOptions) {
    this.#o = options;
  }

  /** Makes a new token that lives for about this long; the child may shorten it. */
  async issue(lifeSeconds: number): Promise<IssuedToken> {
    const { child, name, namespace, now } = this.#o;
    const asked = now();
    const { status } = await child.request<{ status: { token: string; expirationTimestamp: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: lifeSeconds } },
    });
    const life = new Date(status.expirationTimestamp).getTime() - asked.getTime();
    return { token: status.token, renewAt: new Date(asked.getTime() + Math.max(60_000, life / 2)) };
  }

  /** Token for the agent's own use, renewed at half its life; suits as token source of a client. */
  readonly token = async (): Promise<string> => {
    if (this.#current && this.#o.now() < this.#current.renewAt) return this.#current.token;
    this.#renewing ??= this.issue(ownLifeSeconds).finally(() => {
      this.#renewing = undefined;
    });
    this.#current = await this.#renewing;
    return this.#current.token;
  };

  /** UID of the ServiceAccount. */
  async serviceAccountUid(): Promise<string> {
    const account = await this.#o.child
      .resource<KubeObject>(core.serviceAccounts)
      .get({ namespace: this.#o.namespace, name: this.#o.name });
    return account.metadata.uid ?? '';
  }
}
