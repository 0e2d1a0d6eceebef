// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type Description } from '@clusternet/api-types';
import { type RenderedContent } from './revision.ts';

/** Key of the request that is for all clusters. */
export const everyCluster = '*';

/** A request to go back, as `kubectl clusternet rollout undo` leaves it on a Subscription. */
export interface UndoRequest {
  /** Time of the request, RFC 3339: a later one takes the place of an earlier one. */
  id: string;
  /** Revision to go back to: what each cluster had when this one was the newest. */
  revision: number;
}

/** An undo to be done now. */
export interface Undo extends UndoRequest {
  content: RenderedContent;
}

/** What an undo left behind on a Description. */
export interface Undone extends UndoRequest {
  /** Hash of the list of feeds; with another one `with` means nothing any longer. */
  feeds: string;
  /** Feeds that are deployed though the list has them no longer. */
  with: string[];
  /** Feeds that are not deployed though the list has them, with the hash of what they were rendered from. */
  without: Record<string, string>;
}

/** The request that a cluster (its dedicated namespace) has to follow, if any. */
export function undoRequestFor(text: string | undefined, namespace: string): UndoRequest | undefined {
  const requests = parse(text);
  const [latest] = [requests[everyCluster], requests[namespace]]
    .filter((request): request is UndoRequest => isRequest(request))
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  return latest;
}

/** The annotation with one more request; one for all clusters takes the place of every other. */
export function addUndoRequest(
  text: string | undefined,
  { namespace, request }: { namespace: string; request: UndoRequest },
): string {
  return JSON.stringify(namespace === everyCluster ? { [namespace]: request } : { ...parse(text), [namespace]: request });
}

/** What an undo left on the first Description of a Base. */
export function undoneOf(description: Description | undefined): Undone | undefined {
  const value = parse(description?.metadata.annotations?.[annotations.undone]);
  if (!isRequest(value)) return undefined;
  const { feeds, with: more, without } = value as unknown as Partial<Undone>;
  return {
    id: value.id,
    revision: value.revision,
    feeds: typeof feeds === 'string' ? feeds : '',
    with: Array.isArray(more) ? more.map(String) : [],
    without: typeof without === 'object' ? without : {},
  };
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isRequest(value: unknown): value is UndoRequest {
  const { id, revision } = (value ?? {}) as Partial<UndoRequest>;
  return typeof id === 'string' && typeof revision === 'number';
}
