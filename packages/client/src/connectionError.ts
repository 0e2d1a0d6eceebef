// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * No answer came back: the server could not be reached, the connection broke, TLS failed or time ran out.
 *
 * `message` names the server and what to check; `cause` is the error of the network layer.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly server: string;
  /** System or library code, such as `ECONNREFUSED`; `TIMEOUT` when the request's own time ran out. */
  readonly code: string;
  /** False when it is certain that the server never saw the request. */
  readonly sent: boolean;

  constructor(o: {
    server: string;
    method: string;
    path: string;
    code: string;
    sent: boolean;
    detail?: string;
    cause?: unknown;
  }) {
    const detail = o.detail ? ` (${o.detail})` : '';
    super(`${o.method} ${o.server}${o.path}: ${connectionTrouble(o.code)}${detail}`, { cause: o.cause });
    this.server = o.server;
    this.code = o.code;
    this.sent = o.sent;
  }
}

/** The client was closed while the request was under way, or before. */
export class ClientClosedError extends Error {
  override readonly name = 'ClientClosedError';

  constructor(server: string) {
    super(`the client of ${server} is closed`);
  }
}

/** Reads the code of a network error, looking through wrappers such as AggregateError of happy-eyeballs connects. */
export function errorCode(error: unknown): string {
  let e = error;
  for (let depth = 0; depth < 5 && typeof e === 'object' && e !== null; depth++) {
    const { code, errors, cause } = e as { code?: unknown; errors?: unknown[]; cause?: unknown };
    if (typeof code === 'string' && code !== '') return code;
    e = errors?.[0] ?? cause;
  }
  return 'UNKNOWN';
}

/** True for what a wrong or changed certificate on either side looks like. */
export function isTlsCode(code: string): boolean {
  return /CERT|_TLS_|SSL_|^EPROTO$|SIGNATURE|ISSUER/.test(code);
}

/** What an error code of the network layer means, and what to check. */
export function connectionTrouble(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused: is the API server running and the address right?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name cannot be resolved: check the server address and DNS';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route to the host: check the network between here and the server';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return 'the connection was closed before the answer was complete: the API server may be restarting';
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no connection in time: check the server address, firewalls and proxies';
    case 'TIMEOUT':
      return 'no complete answer in time';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return "the server's certificate is for another host name: check the server address or set tls-server-name";
    default:
      return isTlsCode(code)
        ? `TLS failed (${code}): check that the CA bundle and the client certificate belong to this server and have not expired`
        : `the request failed (${code})`;
  }
}
