// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util';
import { type ManagedClusterStatus } from '@clusternet/api-types';
import { StatusError } from '@clusternet/apiserver';
import { StreamRefusedError, StreamResetError, TunnelClosedError } from '@clusternet/tunnel';

/** No tunnel to the cluster is up, here or at another replica. */
export class NoTunnelError extends Error {
  override readonly name = 'NoTunnelError';
  readonly code = 'ENOTUNNEL';

  constructor(message = 'the agent of the cluster is not connected') {
    super(message);
  }
}

const tunnelDown =
  'the tunnel to the cluster is down; its agent comes back by itself, see the condition Connected of the ManagedCluster';
const tunnelOff = 'the agent of the cluster keeps no tunnel; install its chart with featureGates.SocketConnection=true';
const tlsCodes = /CERT|_TLS_|SSL_|^EPROTO$|SIGNATURE|ISSUER/;

/**
 * What went wrong on the way to a cluster, for the caller.
 *
 * @param repeatable - whether asking again can do no harm; a client that honours Retry-After would do so
 * @param status - what the agent of the cluster reported
 */
export function proxyError(error: unknown, repeatable: boolean, status?: ManagedClusterStatus): StatusError {
  if (error instanceof StatusError) return error;
  const { code, message, found } = chain(error);
  const again = { retryAfterSeconds: 1, cause: error };
  if (found instanceof NoTunnelError) return noTunnel(error, status);
  if (found instanceof StreamRefusedError) return refused(found, error, status);
  if (found instanceof TunnelClosedError || found instanceof StreamResetError) {
    if (repeatable) return new StatusError(503, tunnelDown, again);
    return new StatusError(
      502,
      'the connection to the cluster broke while it was being asked; what was asked for may have been done',
      {
        reason: 'BadGateway',
        cause: error,
      },
    );
  }
  if (tlsCodes.test(code)) {
    return new StatusError(502, `the certificate of the server in the cluster is not trusted: ${message}`, {
      reason: 'BadGateway',
      cause: error,
    });
  }
  if (code === 'TimeoutError' || code === 'ETIMEDOUT')
    return new StatusError(504, 'the server in the cluster did not answer in time', again);
  if (code === 'UND_ERR_INVALID_ARG')
    return new StatusError(400, 'the request has a header or a path that cannot be passed on', { cause: error });
  return new StatusError(repeatable ? 503 : 502, 'the server in the cluster closed the connection before it had answered', {
    ...(repeatable ? { retryAfterSeconds: 1 } : { reason: 'BadGateway' }),
    cause: error,
  });
}

/** An agent that is told to keep no tunnel does not come back by itself. */
function noTunnel(cause: unknown, status: ManagedClusterStatus | undefined): StatusError {
  if (status?.useSocket === false) return new StatusError(503, tunnelOff, { cause });
  return new StatusError(503, tunnelDown, { retryAfterSeconds: 1, cause });
}

function refused({ code, message }: StreamRefusedError, cause: unknown, status: ManagedClusterStatus | undefined): StatusError {
  switch (code.toUpperCase()) {
    case 'FORBIDDEN':
      return new StatusError(403, `the agent of the cluster does not dial this target: ${message}`, { cause });
    case 'INVALID':
      return new StatusError(400, `the agent of the cluster cannot make sense of this target: ${message}`, { cause });
    case 'TOO_MANY_STREAMS':
      return new StatusError(429, 'too many requests to this cluster are under way; try again', { retryAfterSeconds: 1, cause });
    case 'NOT_SERVED':
    case 'ENOTUNNEL':
    case 'ETUNNELCLOSED':
      return noTunnel(cause, status);
    default:
      return new StatusError(503, `the target cannot be reached from the agent of the cluster: ${message}`, {
        retryAfterSeconds: 1,
        cause,
      });
  }
}

function chain(error: unknown): { code: string; message: string; found: unknown } {
  let code = '';
  let message = '';
  let current = error;
  for (let depth = 0; depth < 6 && types.isNativeError(current); depth++) {
    const own = (current as { code?: unknown }).code;
    if (code === '' && typeof own === 'string') code = own;
    if (current.name === 'TimeoutError') code = 'TimeoutError';
    message = current.message;
    if (
      current instanceof NoTunnelError ||
      current instanceof StreamRefusedError ||
      current instanceof StreamResetError ||
      current instanceof TunnelClosedError
    ) {
      return { code, message, found: current };
    }
    current = current.cause;
  }
  return { code, message, found: error };
}
