// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type ClusterRegistrationRequest } from '@clusternet/api-types';

/** How requests are approved: by the hub at once, or each by a person. */
export type ApprovalMode = 'auto' | 'manual';

/** What to do with a request. `reason` is one CamelCase word for the event. */
export type Decision =
  | { kind: 'approve' }
  /** It cannot be approved as it is: `status.result` becomes `Denied` until its spec is corrected. */
  | { kind: 'refuse'; reason: string; message: string }
  /** Something else must happen first. */
  | { kind: 'wait'; reason: string; message: string }
  /** A person refused it. */
  | { kind: 'denied'; message: string };

/** All that decides over one request. */
export interface DecisionInput {
  request: ClusterRegistrationRequest;
  /** Why the request is not well formed. */
  malformed?: string;
  /** Thumbprint of the request's public key. */
  thumbprint?: string;
  /** Thumbprint that the dedicated namespace is pinned to. */
  pinned?: string;
  /** Dedicated namespace of this cluster, where there is one. */
  namespace?: string;
  /** Another cluster that has the wanted name. */
  nameHolder?: string;
  approval: ApprovalMode;
  allowClearCredentials: boolean;
}

// How the hub begins its own messages, to tell them from those of people.
const refused = 'refused: ';
const pending = 'pending: ';

/** Decides over a request; called on every pass, so that a corrected request goes on by itself. */
export function decide(input: DecisionInput): Decision {
  const { request, thumbprint } = input;
  const { result, errorMessage = '' } = request.status ?? {};
  if (input.malformed !== undefined) return { kind: 'refuse', reason: 'RequestRefused', message: `${refused}${input.malformed}` };
  if (result === 'Denied' && !errorMessage.startsWith(refused)) {
    const own = errorMessage === '' || errorMessage.startsWith(pending);
    return { kind: 'denied', message: own ? 'denied by an administrator' : errorMessage };
  }
  if (thumbprint === undefined && !input.allowClearCredentials) {
    return wait(
      'PublicKeyMissing',
      'the request carries no public key to encrypt the credential to; use a newer agent, or start the hub with --allow-clear-credentials',
    );
  }
  if (input.nameHolder !== undefined) {
    return wait(
      'DuplicateClusterName',
      `the cluster name ${request.spec?.clusterName ?? ''} is taken by cluster ${input.nameHolder}; deregister that one, or give this one another name: set ` +
        `--cluster-reg-name at its agent and delete this request (kubectl delete clsrr ${request.metadata.name}), which keeps the name it was made with`,
    );
  }
  const approved = result === 'Approved';
  if (input.pinned !== undefined && input.pinned !== thumbprint) {
    // The name of the key inside the message tells an approval of this very key from an older one.
    const key = thumbprint ?? 'none';
    if (approved && errorMessage.startsWith(pending) && errorMessage.includes(`(key ${key})`)) return { kind: 'approve' };
    return wait(
      'PublicKeyChanged',
      `the cluster registered before with another key than this request has (key ${key}); if that is right, ` +
        `run: kubectl annotate namespace ${input.namespace ?? ''} ${annotations.publicKeyThumbprint}- or: ${howToApprove(request)}`,
    );
  }
  if (input.approval === 'manual' && !approved)
    return wait('ApprovalPending', `waits for approval; run: ${howToApprove(request)}`);
  return { kind: 'approve' };
}

function wait(reason: string, message: string): Decision {
  return { kind: 'wait', reason, message: `${pending}${message}` };
}

function howToApprove(request: ClusterRegistrationRequest): string {
  return `kubectl patch clsrr ${request.metadata.name} --subresource=status --type=merge -p '{"status":{"result":"Approved"}}'`;
}

/** Thrown on the way of an approval when something outside the hub must change first. */
export class PendingError extends Error {
  override readonly name = 'PendingError';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(`${pending}${message}`);
    this.reason = reason;
  }
}
