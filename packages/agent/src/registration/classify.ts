// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util';
import { ApiError } from '@clusternet/client';
import { RegistrationFault } from './fault.ts';
import { tokenFacts } from './token.ts';

/** What was going on when a request to the parent failed. */
export interface FailureContext {
  /** URL of the parent. */
  url: string;
  /** Token that was sent; only its public facts get into a message. */
  token: string;
  /** `registration`: the token given by the operator; `dedicated`: the credential that the parent issued. */
  credential: 'registration' | 'dedicated';
  /** The parent accepted the same token earlier in this run. */
  acceptedBefore: boolean;
  /** Clock of this process. */
  now: Date;
  /** Clock of the parent, where it could be read. */
  parentNow: Date | undefined;
}

/** From this difference on clocks count as skewed: what NTP keeps is far below, what tokens and certificates forgive far above. */
export const clockSkewLimitMs = 60_000;

const notYetValid = 'CERT_NOT_YET_VALID';
const expired = 'CERT_HAS_EXPIRED';
const wrongName = 'ERR_TLS_CERT_ALTNAME_INVALID';
const unknownAuthority = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
]);

/** Codes found on an error and on what caused it. */
export function errorCodes(error: unknown): string[] {
  const codes: string[] = [];
  let current = error;
  for (let depth = 0; depth < 8 && types.isNativeError(current); depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string') codes.push(code);
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return codes;
}

/** Whether the parent's certificate was refused, so that its clock is worth asking for. */
export function isCertificateFailure(error: unknown): boolean {
  return errorCodes(error).some((code) => [notYetValid, expired, wrongName].includes(code) || unknownAuthority.has(code));
}

/** Turns whatever a request to the parent threw into a fault that says what to do. */
export function classifyFailure(error: unknown, context: FailureContext): RegistrationFault {
  if (error instanceof RegistrationFault) return error;
  const codes = errorCodes(error);
  if (isCertificateFailure(error)) return certificateFault(error, codes, context);
  if (error instanceof ApiError) return answerFault(error, context);
  const detail = codes.at(-1) ?? (error instanceof Error ? error.message : String(error));
  return new RegistrationFault(
    'ParentUnreachable',
    `the parent ${context.url} cannot be reached (${detail}): check its address, the network between, and that it is up`,
    { cause: error },
  );
}

function certificateFault(error: unknown, codes: string[], { url, now, parentNow }: FailureContext): RegistrationFault {
  const skew = parentNow && describeSkew(now, parentNow);
  if (skew && (codes.includes(notYetValid) || codes.includes(expired))) {
    return new RegistrationFault(
      'ClockSkew',
      `the certificate of the parent ${url} is ${codes.includes(expired) ? 'expired' : 'not yet valid'} by this machine's clock, which is ${skew} ` +
        "the parent's: set the clock of this machine (NTP)",
      { cause: error },
    );
  }
  if (codes.includes(notYetValid)) {
    return new RegistrationFault(
      'CertificateNotYetValid',
      `the certificate of the parent ${url} is not valid yet: check the clocks of both sides`,
      {
        cause: error,
      },
    );
  }
  if (codes.includes(expired)) {
    return new RegistrationFault(
      'CertificateExpired',
      `the certificate of the parent ${url} has expired: renew it at the parent`,
      { cause: error },
    );
  }
  if (codes.includes(wrongName)) {
    return new RegistrationFault(
      'CertificateNameMismatch',
      `the certificate of the parent ${url} does not name that host: use an address that it names, or add this one to it`,
      { cause: error },
    );
  }
  return new RegistrationFault(
    'UnknownAuthority',
    `the certificate of the parent ${url} is not signed by a known CA: give the parent's CA with --cluster-reg-parent-ca-file`,
    { cause: error },
  );
}

function answerFault(error: ApiError, context: FailureContext): RegistrationFault {
  const { url } = context;
  if (error.status === 401) return unauthorizedFault(error, context);
  if (error.status === 403) {
    return new RegistrationFault(
      'Forbidden',
      `the parent ${url} accepts the ${credentialName(context)} but forbids the request (${error.message}): check the token's groups and the bootstrap RBAC at the parent`,
      { cause: error },
    );
  }
  if (error.status === 404) {
    return new RegistrationFault(
      'ParentWithoutClusternet',
      `the parent ${url} does not know ClusterRegistrationRequests: install Clusternet there first`,
      {
        cause: error,
      },
    );
  }
  if (error.status === 400 || error.status === 422) {
    return new RegistrationFault('RequestInvalid', `the parent ${url} refuses the registration request: ${error.message}`, {
      cause: error,
    });
  }
  return new RegistrationFault('ParentNotReady', `the parent ${url} cannot answer now: ${error.message}`, { cause: error });
}

function unauthorizedFault(error: ApiError, context: FailureContext): RegistrationFault {
  const { url, now, parentNow, acceptedBefore } = context;
  const subject = credentialName(context);
  const { expiresAt } = tokenFacts(context.token);
  const renew =
    context.credential === 'registration'
      ? 'make a new one at the parent and give it to the agent'
      : `if the parent does not issue a new one soon, look at its ClusterRegistrationRequest`;
  if (expiresAt && expiresAt <= (parentNow ?? now)) {
    return new RegistrationFault(
      'TokenExpired',
      `the ${subject} for the parent ${url} expired at ${expiresAt.toISOString()}: ${renew}`,
      { cause: error },
    );
  }
  if (acceptedBefore) {
    return new RegistrationFault(
      'TokenRevoked',
      `the parent ${url} no longer accepts the ${subject}: it was revoked or has expired; ${renew}`,
      {
        cause: error,
      },
    );
  }
  const skew = parentNow && describeSkew(now, parentNow);
  return new RegistrationFault(
    'TokenRejected',
    `the parent ${url} refuses the ${subject}: it is wrong, expired or revoked; ${renew}${skew ? ` (this machine's clock is ${skew} the parent's)` : ''}`,
    { cause: error },
  );
}

function credentialName({ token, credential }: FailureContext): string {
  if (credential === 'dedicated') return 'credential of this cluster';
  const { kind, id } = tokenFacts(token);
  return id === undefined ? `registration token (${kind})` : `registration token (${kind} ${id})`;
}

/** Says how far `now` is from the parent's clock, or nothing when both agree well enough. */
export function describeSkew(now: Date, parentNow: Date): string | undefined {
  const difference = now.getTime() - parentNow.getTime();
  if (Math.abs(difference) < clockSkewLimitMs) return undefined;
  const minutes = Math.floor(Math.abs(difference) / 60_000);
  const size = minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${size} ${difference > 0 ? 'ahead of' : 'behind'}`;
}
