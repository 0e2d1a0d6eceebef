// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** What an API server answers instead of an object when it refuses; the fields used here of `meta/v1 Status`. */
export interface Status {
  kind?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
}

/**
 * A request that an API server (or something in front of it) answered with an error.
 *
 * `message` is what kubectl would print; `reason` is the machine-readable word of the Status, filled in from the
 * HTTP code where the answer had none.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status code; for an ERROR event of a watch the code of its Status. */
  readonly status: number;
  /** `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `Expired`, ... */
  readonly reason: string;
  /** `details` of the Status: which object, and for `Invalid` the single causes. */
  readonly details?: Status['details'];
  /** Seconds the server asks to wait before another try. */
  readonly retryAfterSeconds?: number;
  /** What was asked for, where the server knows nothing at that path: it does not serve the kind at all. */
  readonly unserved?: { server: string; path: string };

  constructor(message: string, o: ApiErrorOptions) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.status = o.status;
    this.reason = o.reason || (reasonOfCode[o.status] ?? 'Unknown');
    this.details = o.details;
    this.retryAfterSeconds = o.retryAfterSeconds;
    this.unserved = o.unserved;
  }

  /** True when `error` is an ApiError with this reason (a word) or HTTP code (a number). */
  static is(error: unknown, reasonOrCode: string | number): error is ApiError {
    return error instanceof ApiError && (error.reason === reasonOrCode || error.status === reasonOrCode);
  }

  /** Translates a Status, as a refused request or an ERROR event carries it. `code` stands in where it has none. */
  static fromStatus(status: Status, code = 500, retryAfterSeconds?: number): ApiError {
    return new ApiError(status.message || `the server answered ${status.code ?? code} without a message`, {
      status: status.code ?? code,
      reason: status.reason,
      details: status.details,
      retryAfterSeconds: retryAfterSeconds ?? status.details?.retryAfterSeconds,
    });
  }

  /** Translates a refused HTTP answer, whatever its body is. */
  static fromResponse(o: {
    status: number;
    body: string;
    method: string;
    path: string;
    server?: string;
    retryAfterSeconds?: number;
  }): ApiError {
    const parsed = parseStatus(o.body);
    if (parsed) return ApiError.fromStatus({ ...parsed, code: o.status }, o.status, o.retryAfterSeconds);
    const text = o.body.replace(/\s+/g, ' ').trim().slice(0, 300);
    const meaning = reasonOfCode[o.status] ?? 'an error';
    return new ApiError(
      `the server answered ${o.status} (${meaning}) to ${o.method} ${o.path}${text === '' ? '' : `: ${text}`}`,
      {
        status: o.status,
        retryAfterSeconds: o.retryAfterSeconds,
        // Of an object that is not there, API servers tell in a Status.
        ...(o.status === 404 && o.server !== undefined && { unserved: { server: o.server, path: o.path } }),
      },
    );
  }
}

interface ApiErrorOptions {
  status: number;
  reason?: string;
  details?: Status['details'];
  retryAfterSeconds?: number;
  unserved?: ApiError['unserved'];
  cause?: unknown;
}

/** The object does not exist, or its kind is not served. */
export const isNotFound = (error: unknown): error is ApiError => ApiError.is(error, 'NotFound') || ApiError.is(error, 404);
/** Somebody else changed the object since it was read, or owns the fields to apply. */
export const isConflict = (error: unknown): error is ApiError => ApiError.is(error, 'Conflict');
/** A create found an object of this name. */
export const isAlreadyExists = (error: unknown): error is ApiError => ApiError.is(error, 'AlreadyExists');
/** The credential is missing, expired or revoked. */
export const isUnauthorized = (error: unknown): error is ApiError => ApiError.is(error, 401);
/** RBAC or an admission plugin refuses. */
export const isForbidden = (error: unknown): error is ApiError => ApiError.is(error, 403);
/** The object breaks its schema or a validation rule; `details.causes` names the fields. */
export const isInvalid = (error: unknown): error is ApiError => ApiError.is(error, 'Invalid');
/** The resourceVersion or continue token is too old: list again. */
export const isGone = (error: unknown): error is ApiError => ApiError.is(error, 410) || ApiError.is(error, 'Expired');
/** The server asks to slow down. */
export const isTooManyRequests = (error: unknown): error is ApiError => ApiError.is(error, 429);

const reasonOfCode: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function parseStatus(body: string): Status | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(body) as Status;
    return value.kind === 'Status' ? value : undefined;
  } catch {
    // A proxy's own error page, cut short or not JSON at all: the raw text is reported instead.
    return undefined;
  }
}
