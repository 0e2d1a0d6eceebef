// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates } from '@clusternet/api-types';
import { ConnectError } from '@clusternet/tunnel';
import { errorCodes, isCertificateFailure } from '../registration/classify.ts';

/** What is wrong with the tunnel, in one word: label of metrics, reason of Events. */
export type TunnelTrouble =
  /** It was up and is not any more. */
  | 'TunnelLost'
  /** The parent does not know the credential. */
  | 'TunnelUnauthorized'
  /** It knows it, and does not let it open a tunnel. */
  | 'TunnelForbidden'
  /** It has nothing that takes tunnels. */
  | 'TunnelNotServed'
  /** Its certificate is not trusted. */
  | 'TunnelUntrusted'
  /** It is not there, or not ready. */
  | 'TunnelUnavailable';

/** Why the tunnel is down, and what to do about it. */
export interface TunnelFault {
  reason: TunnelTrouble;
  message: string;
  /** Trying again soon is no use: somebody has to change something first. */
  lasting: boolean;
}

/**
 * Says why there is no tunnel.
 *
 * @param wasUp - the error ended a tunnel, it did not keep one from coming up
 */
export function tunnelFault(error: Error, { url, wasUp }: { url: string; wasUp: boolean }): TunnelFault {
  const status = error instanceof ConnectError ? error.status : undefined;
  const gate = `feature gate ${featureGates.socketConnection}`;
  if (wasUp) return { reason: 'TunnelLost', message: error.message, lasting: false };
  if (isCertificateFailure(error)) {
    return {
      reason: 'TunnelUntrusted',
      message: `the certificate of the parent ${url} is not trusted (${errorCodes(error).at(-1)}): give the agent the CA of the parent`,
      lasting: true,
    };
  }
  switch (status) {
    case 401:
      return {
        reason: 'TunnelUnauthorized',
        message: `${error.message}. The parent does not take the credential of this cluster any more; it is looked after now`,
        lasting: true,
      };
    case 403:
      return {
        reason: 'TunnelForbidden',
        message: `${error.message}. See that the hub has ${gate} on, and that the ManagedCluster of this cluster is there`,
        lasting: true,
      };
    case 404:
      return {
        reason: 'TunnelNotServed',
        message: `${error.message}. The parent takes no tunnels: install a hub with ${gate}, or turn that gate off here`,
        lasting: true,
      };
    default:
      return { reason: 'TunnelUnavailable', message: error.message, lasting: false };
  }
}
