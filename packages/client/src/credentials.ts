// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** What TLS needs to reach one server. Compared by identity: a new object means new connections. */
export interface TlsMaterial {
  caPem?: string;
  certPem?: string;
  keyPem?: string;
  /** Name to verify the server's certificate against, where it differs from the host of the address. */
  serverName?: string;
  insecureSkipTlsVerify?: boolean;
  /** HTTP(S) proxy in front of the server, as a kubeconfig's `proxy-url`. */
  proxyUrl?: string;
}

/** Headers by lower-case name; a list is sent as one header for each. */
export type HeaderValues = Record<string, string | string[]>;

/** The credential of one request. Never log it. */
export interface Credentials {
  tls: TlsMaterial;
  /** Headers that say who asks, such as `authorization`. */
  headers: HeaderValues;
}

/** Where a client's credentials come from. */
export interface CredentialSource {
  /** The credentials to use now. Returns at once in the common case; reads rotated files again when that is due. */
  current(): Credentials | Promise<Credentials>;
  /** After the server or TLS refused `rejected`: reads everything again and tells whether something changed. */
  refresh(rejected: Credentials): Promise<boolean>;
}

/** A bearer token, or a function asked for it before each request. */
export type TokenSource = string | (() => string | Promise<string>);

/** Credentials given as values. */
export class StaticCredentials implements CredentialSource {
  readonly #tls: TlsMaterial;
  readonly #token: TokenSource | undefined;
  #cached: { token: string; credentials: Credentials } | undefined;

  constructor(tls: TlsMaterial, token?: TokenSource) {
    this.#tls = tls;
    this.#token = token;
  }

  current(): Credentials | Promise<Credentials> {
    const token = typeof this.#token === 'function' ? this.#token() : (this.#token ?? '');
    return typeof token === 'string' ? this.#with(token) : token.then((t) => this.#with(t));
  }

  async refresh(rejected: Credentials): Promise<boolean> {
    if (typeof this.#token !== 'function') return false;
    return (await this.current()).headers['authorization'] !== rejected.headers['authorization'];
  }

  #with(token: string): Credentials {
    if (this.#cached?.token !== token) {
      const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
      this.#cached = { token, credentials: { tls: this.#tls, headers } };
    }
    return this.#cached.credentials;
  }
}
