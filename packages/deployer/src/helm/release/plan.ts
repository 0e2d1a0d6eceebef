// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmReleaseSpec, labels } from '@clusternet/api-types';
import { type ReleaseRecord } from './releaseRecord.ts';

/** What to do about a release. */
export type ReleasePlan =
  /** It is as it should be. */
  | { do: 'nothing' }
  | { do: 'install' }
  | { do: 'upgrade'; adopt: boolean }
  /** What is left of an installation goes first. */
  | { do: 'reinstall' }
  /** A helm that is gone left it half done: mark it as failed and look again. */
  | { do: 'heal' }
  /** Somebody else's helm may be at work. */
  | { do: 'wait'; message: string }
  | { do: 'refuse'; message: string };

/** What {@link planRelease} looks at. */
export interface PlanInput {
  spec: HelmReleaseSpec;
  /** The newest record. */
  record: ReleaseRecord | undefined;
  /** Dedicated namespace. */
  namespace: string;
  /** Hash of the HelmRelease's name. */
  hash: string;
  inputs: string;
  /** Whether a HelmRelease with that hash exists in the dedicated namespace. */
  isOther: (hash: string) => boolean;
  now: Date;
}

/** Time beyond its own limit after which somebody else's helm is taken for dead, in milliseconds. */
const graceMs = 60_000;
const defaultTimeoutSeconds = 300;

/** Decides what to do about a release, from its newest record alone: nothing has to be remembered. */
export function planRelease(o: PlanInput): ReleasePlan {
  const { spec, record, inputs, now } = o;
  if (record === undefined) return { do: 'install' };
  const owner = ownerOf(o, record);
  if (owner === 'other') {
    const who = record.labels[labels.releaseOwner] ?? '';
    const message =
      `the release is deployed by another HelmRelease already (namespace ${who} of its parent): ` +
      'take one of the two HelmCharts out, or give them different names or target namespaces';
    return { do: 'refuse', message };
  }
  if (record.status.startsWith('pending-')) {
    if (owner === 'own') return { do: 'heal' };
    const limit = (spec.timeoutSeconds ?? defaultTimeoutSeconds) * 1000 + graceMs;
    const age = now.getTime() - (record.modifiedAt?.getTime() ?? 0);
    if (age > limit) return { do: 'heal' };
    return { do: 'wait', message: 'another helm is working on the release; it is waited for' };
  }
  switch (record.status) {
    case 'deployed':
      if (owner === 'own' && record.labels[labels.inputsHash] === inputs) return { do: 'nothing' };
      return { do: 'upgrade', adopt: owner === 'nobody' };
    case 'uninstalling':
      return { do: 'reinstall' };
    case 'uninstalled':
      // A name kept in the history; helm itself says that only `replace` may take it.
      return { do: 'install' };
    default:
      if (spec.atomic && record.revision === 1) return { do: 'reinstall' };
      return { do: 'upgrade', adopt: owner === 'nobody' };
  }
}

/** Whose release it is: one left over from a HelmRelease that is gone can be taken over. */
export function ownerOf(o: Pick<PlanInput, 'namespace' | 'hash' | 'isOther'>, record: ReleaseRecord): 'own' | 'nobody' | 'other' {
  const namespace = record.labels[labels.releaseOwner];
  if (namespace === undefined) return 'nobody';
  if (namespace !== o.namespace) return 'other';
  const hash = record.labels[labels.releaseHash] ?? '';
  return hash === o.hash || !o.isOther(hash) ? 'own' : 'other';
}
