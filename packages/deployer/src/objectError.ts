// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed } from '@clusternet/api-types';
import { ApiError, NoKindError } from '@clusternet/client';

/** Why an object is not as it should be; the words appear in `manifestStatuses[].error.reason`. */
export type ObjectErrorReason =
  | 'Conflict'
  | 'Forbidden'
  | 'ImmutableField'
  | 'Invalid'
  | 'NamespaceNotFound'
  | 'NamespaceTerminating'
  | 'NoKind'
  | 'OwnedByOther'
  | 'Rejected'
  | 'ServerError'
  | 'Terminating'
  | 'TooLarge';

/** A failure to apply or delete one object, which leaves the others alone. */
export interface ObjectFailure {
  reason: ObjectErrorReason;
  message: string;
  /** Set when the error looks like one of the whole cluster, which a probe can tell. */
  suspect?: 'Unreachable' | 'Unauthorized';
}

/** How an object is called in messages: `Deployment shop/web`. */
export function nameOf(feed: Feed): string {
  return `${feed.kind} ${feed.namespace ? `${feed.namespace}/` : ''}${feed.name}`;
}

const maxMessage = 1_000;

/** Translates the error of a request about one object into what its status says. */
export function toObjectFailure(error: unknown, feed: Feed): ObjectFailure {
  const failure = classify(error, feed);
  return { ...failure, message: cut(failure.message, maxMessage) };
}

/** Shortens `text` to `length` characters, with a mark where something is missing. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function classify(error: unknown, feed: Feed): ObjectFailure {
  const name = nameOf(feed);
  if (error instanceof NoKindError) {
    return {
      reason: 'NoKind',
      message: `${name}: the cluster does not know this kind in ${feed.apiVersion}; install its CustomResourceDefinition`,
    };
  }
  if (!(error instanceof ApiError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: 'ServerError', message: `${name}: ${message}`, suspect: 'Unreachable' };
  }
  const said = error.message;
  switch (error.status) {
    case 401:
      return { reason: 'Forbidden', message: `${name}: ${said}`, suspect: 'Unauthorized' };
    case 502:
    case 503:
    case 504:
      // An aggregated API that is down answers 503 for its own kinds only.
      return { reason: 'ServerError', message: `${name}: ${said}`, suspect: 'Unreachable' };
    case 403:
      return forbidden(said, name);
    case 404:
      return notFound(error, feed);
    case 409:
      return { reason: 'Conflict', message: `${name}: changed by somebody else at the same time: ${said}` };
    case 413:
      return { reason: 'TooLarge', message: `${name}: too large for the cluster: ${said}` };
    default:
      return error.status >= 500 || error.status === 429 ? serverError(said, name) : refused(said, name);
  }
}

function forbidden(said: string, name: string): ObjectFailure {
  if (/is being terminated/.test(said)) {
    return {
      reason: 'NamespaceTerminating',
      message: `${name}: its namespace is being deleted; it will be created when the namespace is back`,
    };
  }
  if (isWebhook(said)) return { reason: 'Rejected', message: `${name}: ${said}` };
  // Field-level rules of StatefulSets and Jobs come as Forbidden causes of an Invalid; plain 403 is about rights.
  return { reason: 'Forbidden', message: `${name}: ${said}` };
}

function notFound(error: ApiError, feed: Feed): ObjectFailure {
  const details = error.details;
  if (feed.namespace && (details?.kind === 'namespaces' || /namespaces? "[^"]*" not found/.test(error.message))) {
    return {
      reason: 'NamespaceNotFound',
      message: `${nameOf(feed)}: namespace ${feed.namespace} does not exist; feed it too or create it`,
    };
  }
  return {
    reason: 'NoKind',
    message: `${nameOf(feed)}: the cluster does not serve this kind in ${feed.apiVersion} (yet): ${error.message}`,
  };
}

function serverError(said: string, name: string): ObjectFailure {
  return { reason: isWebhook(said) ? 'Rejected' : 'ServerError', message: `${name}: ${said}` };
}

function refused(said: string, name: string): ObjectFailure {
  if (isWebhook(said)) return { reason: 'Rejected', message: `${name}: ${said}` };
  if (
    /field is immutable|immutable after creation|updates to statefulset spec|may not be changed|may not change once set|cannot be changed|is immutable/i.test(
      said,
    )
  ) {
    return {
      reason: 'ImmutableField',
      message: `${name}: a field that cannot change after creation was changed. Undo the change, give the object another name, or delete it in the cluster to have it created anew. The cluster says: ${said}`,
    };
  }
  return { reason: 'Invalid', message: `${name}: ${said}` };
}

function isWebhook(said: string): boolean {
  return /admission webhook|failed calling webhook|ValidatingAdmissionPolicy/.test(said);
}
