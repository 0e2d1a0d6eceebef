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

/** A CA bundle, or a function asked for it before each request; undefined for the CAs of the system. */
export type CaSource = string | (() => string | undefined);

/** Credentials given as values. */
export class StaticCredentials implements CredentialSource {
  readonly #token: TokenSource | undefined;
  readonly #ca: CaSource | undefined;
  #tls: TlsMaterial;
  #cached: { token: string; credentials: Credentials } | undefined;

  constructor(tls: Omit<TlsMaterial, 'caPem'>, o: { token?: TokenSource; ca?: CaSource } = {}) {
    this.#token = o.token;
    this.#ca = o.ca;
    this.#tls = { ...tls, caPem: this.#caNow() };
  }

  current(): Credentials | Promise<Credentials> {
    const token = typeof this.#token === 'function' ? this.#token() : (this.#token ?? '');
    return typeof token === 'string' ? this.#with(token) : token.then((t) => this.#with(t));
  }

  async refresh(rejected: Credentials): Promise<boolean> {
    if (typeof this.#token !== 'function' && typeof this.#ca !== 'function') return false;
    const { headers, tls } = await this.current();
    return headers['authorization'] !== rejected.headers['authorization'] || tls !== rejected.tls;
  }

  #caNow(): string | undefined {
    return typeof this.#ca === 'function' ? this.#ca() : this.#ca;
  }

  #with(token: string): Credentials {
    const caPem = this.#caNow();
    if (caPem !== this.#tls.caPem) this.#tls = { ...this.#tls, caPem };
    if (this.#cached?.token !== token || this.#cached.credentials.tls !== this.#tls) {
      const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
      this.#cached = { token, credentials: { tls: this.#tls, headers } };
    }
    return this.#cached.credentials;
  }
}
