// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Details of a Status: what the request was about, and for `Invalid` the single causes. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** The body of every error answer: `meta/v1 Status`. */
export interface StatusBody {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: object;
  status: 'Failure';
  message: string;
  reason: string;
  details?: StatusDetails;
  code: number;
}

const reasons: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Options of {@link StatusError}. */
export interface StatusErrorOptions {
  /** Machine-readable word; by default the one Kubernetes uses for the code. */
  reason?: string;
  details?: StatusDetails;
  /** Sent as Retry-After too. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * An answer other than success, as a handler wants the caller to see it. Everything else that is thrown becomes a 500 that says nothing.
 */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details?: StatusDetails;
  readonly retryAfterSeconds?: number;

  constructor(code: number, message: string, o: StatusErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.reason = o.reason ?? reasons[code] ?? 'Unknown';
    this.details = o.details;
    this.retryAfterSeconds = o.retryAfterSeconds;
  }

  toBody(): StatusBody {
    const { message, reason, code, retryAfterSeconds } = this;
    const details = retryAfterSeconds === undefined ? this.details : { ...this.details, retryAfterSeconds };
    const body: StatusBody = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
    return details === undefined ? body : { ...body, details };
  }
}
