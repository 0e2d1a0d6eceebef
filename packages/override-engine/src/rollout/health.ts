// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description, feedKey } from '@clusternet/api-types';
import { isAvailable } from '@clusternet/runtime';

/**
 * What keeps a Description from being healthy: not all was applied, or an object does not do its work yet. Undefined when it is healthy.
 */
export function problemOf({ metadata, status }: Description): string | undefined {
  const { phase, reason, observedGeneration, manifestStatuses = [] } = status ?? {};
  const failed = manifestStatuses.find(({ error }) => error !== undefined);
  if (failed) return `${feedKey(failed)}: ${failed.error?.message ?? failed.error?.reason ?? 'not applied'}`;
  if (phase === 'Failure') return reason || 'not applied';
  if (observedGeneration === undefined || observedGeneration < (metadata.generation ?? 0)) return 'not applied yet';
  const waiting = manifestStatuses.find((status) => !isAvailable(status, status.observedStatus));
  return waiting && `${feedKey(waiting)} is not available yet`;
}
