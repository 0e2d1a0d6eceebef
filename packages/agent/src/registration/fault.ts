// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Why a cluster is not registered, in one word; also the reason of the Event. */
export type FaultReason =
  | 'InputUnreadable'
  | 'TokenRejected'
  | 'TokenExpired'
  | 'TokenRevoked'
  | 'CredentialUndecryptable'
  | 'UnknownAuthority'
  | 'CertificateExpired'
  | 'CertificateNotYetValid'
  | 'CertificateNameMismatch'
  | 'ClockSkew'
  | 'ParentUnreachable'
  | 'ParentNotReady'
  | 'ParentWithoutClusternet'
  | 'Forbidden'
  | 'RequestInvalid'
  | 'RequestDenied'
  | 'RequestDeleted'
  | 'KeyMismatch'
  | 'ChildUnavailable'
  | 'Unexpected';

/** A reason not to be registered that an operator can act on. Its message never contains a token. */
export class RegistrationFault extends Error {
  readonly reason: FaultReason;

  constructor(reason: FaultReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistrationFault';
    this.reason = reason;
  }
}

/** Shortest and longest pause before the next try, in milliseconds. */
export interface FaultBackoff {
  initialMs: number;
  maxMs: number;
}

/**
 * How patiently a fault is retried. A parent that is merely away is asked again within a minute, so that clusters return soon
 * after it does; what a person has to mend is asked for at most every five minutes.
 */
export function faultBackoff(reason: FaultReason): FaultBackoff {
  switch (reason) {
    case 'ParentUnreachable':
    case 'ParentNotReady':
    case 'ChildUnavailable':
      return { initialMs: 5_000, maxMs: 60_000 };
    case 'RequestDenied':
    case 'KeyMismatch':
      return { initialMs: 60_000, maxMs: 300_000 };
    default:
      return { initialMs: 5_000, maxMs: 300_000 };
  }
}
