// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { skipReasons, stableStringify } from '@clusternet/api-types';
import { type Override } from '../overrides/applyOverride.ts';
import { OverrideError } from '../overrides/overrideError.ts';
import { renderObject } from '../overrides/renderObject.ts';
import { encodeObject, type EncodedManifest, trim } from './encodeManifest.ts';

/** What became of the overrides of one feed in one cluster. */
export interface OverrideOutcome {
  override: Override;
  /** `waiting`: of policy ApplyLater, and nothing else has changed yet. `blocked`: another override of the feed does not fit. */
  state: 'applied' | 'waiting' | 'failed' | 'blocked';
  message?: string;
}

/** A feed with its overrides. */
export interface RenderedFeed {
  /** base64 JSON; undefined when an override does not fit. */
  raw: string | undefined;
  /** Hash to be remembered with what is deployed; see {@link renderWithOverrides}. */
  from: string | undefined;
  outcomes: OverrideOutcome[];
  error?: OverrideError;
}

/**
 * Applies the overrides of a feed.
 *
 * @remarks Those of policy ApplyLater must not be the cause of a change. What the feed and its ApplyNow overrides were when ApplyLater ones were
 * applied last is remembered as a hash: as long as it is the same, what is deployed stays, whatever became of the ApplyLater ones, also over a restart.
 * Without a hash no ApplyLater one has been applied, and what is deployed stays while it is what the others alone give.
 */
export function renderWithOverrides(
  manifest: EncodedManifest,
  o: { overrides: readonly Override[]; deployed: string | undefined; from: string | undefined; undone?: boolean },
): RenderedFeed {
  const { overrides, deployed, from } = o;
  const eager = overrides.filter(({ deferred }) => deferred !== true);
  const deferred = overrides.length > eager.length;
  if (overrides.length === 0 && from === undefined) return { raw: manifest.raw, from: undefined, outcomes: [] };
  const hash = deferred || from !== undefined ? hashOf(manifest, eager) : undefined;
  const waits =
    deployed !== undefined && (from !== undefined ? from === hash : deferred && attempt(manifest, eager).raw === deployed);
  const all = attempt(manifest, overrides);
  if (waits) {
    const waiting = ({ deferred }: Override): boolean => all.raw !== deployed && (deferred === true || o.undone === true);
    // One that will not fit is told before it is its turn.
    const outcome = (override: Override): OverrideOutcome =>
      all.error
        ? outcomeOf(override, all.error)
        : waiting(override)
          ? { override, state: 'waiting', ...(o.undone ? { message: undoneMessage } : {}) }
          : { override, state: 'applied' };
    return { raw: deployed, from, outcomes: overrides.map(outcome) };
  }
  const outcomes = overrides.map((override) => outcomeOf(override, all.error));
  return { raw: all.raw, from: deferred ? hash : undefined, outcomes, ...(all.error ? { error: all.error } : {}) };
}

/** Why an override is not in effect after an undo. */
export const undoneMessage = 'not in effect since an undo; it is again with the next change of the feed or of an override of it';

function attempt(manifest: EncodedManifest, overrides: readonly Override[]): { raw: string | undefined; error?: OverrideError } {
  if (overrides.length === 0) return { raw: manifest.raw };
  try {
    return { raw: encodeObject(trim(renderObject({ object: manifest.object, overrides }))) };
  } catch (error) {
    if (error instanceof OverrideError) return { raw: undefined, error };
    throw error;
  }
}

/** What became of one override of a feed, given the error that one of them caused. */
export function outcomeOf(override: Override, error: OverrideError | undefined): OverrideOutcome {
  if (error === undefined) return { override, state: 'applied' };
  const own = stableStringify(error.origin) === stableStringify(override.origin);
  return { override, state: own ? 'failed' : 'blocked', message: error.message };
}

/** Remembered of a feed without a Manifest. */
export const missing = 'missing';

/** Hash of a feed and of its overrides that apply at once. */
export function hashOf({ raw }: { raw: string }, eager: readonly Override[]): string {
  const patches = eager.map(({ config }) => config);
  return createHash('sha256').update(raw).update(stableStringify(patches)).digest('base64url').slice(0, 16);
}

/** How a feed whose override does not fit is listed as skipped. */
export function overrideProblem({ message }: OverrideError): { reason: string; message: string } {
  return { reason: skipReasons.overrideFailed, message: message.slice(0, 1000) };
}
