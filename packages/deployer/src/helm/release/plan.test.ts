// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type HelmReleaseSpec, labels, type ReleasePhase } from '@clusternet/api-types';
import { ownerOf, type PlanInput, planRelease } from './plan.ts';
import { ownLabels, type ReleaseRecord } from './releaseRecord.ts';

const namespace = 'clusternet-abcde';
const now = new Date('2026-03-01T00:10:00Z');
const spec: HelmReleaseSpec = { repo: 'https://c', chart: 'web', targetNamespace: 'shop', timeoutSeconds: 60 };

function record(
  status: ReleasePhase,
  o: { inputs?: string; owner?: 'own' | 'nobody' | 'namespace' | 'release'; revision?: number; at?: string } = {},
): ReleaseRecord {
  const { owner = 'own', inputs = 'same', revision = 2, at = '2026-03-01T00:09:00Z' } = o;
  const home = owner === 'namespace' ? 'clusternet-other' : namespace;
  const own = ownLabels({ namespace: home, hash: owner === 'release' ? 'theirs' : 'ours', inputs, adopted: false });
  return { secret: 's', revision, status, modifiedAt: new Date(at), labels: owner === 'nobody' ? {} : own };
}

const plan = (found: ReleaseRecord | undefined, more: Partial<PlanInput> = {}) =>
  planRelease({
    spec,
    record: found,
    namespace,
    hash: 'ours',
    inputs: 'same',
    isOther: (hash) => hash === 'theirs',
    now,
    ...more,
  });

describe('planRelease', () => {
  it.each([
    ['nothing is there', undefined, { do: 'install' }],
    ['it is as it should be', record('deployed'), { do: 'nothing' }],
    ['the inputs changed', record('deployed', { inputs: 'old' }), { do: 'upgrade', adopt: false }],
    ['somebody installed it by hand', record('deployed', { owner: 'nobody' }), { do: 'upgrade', adopt: true }],
    ['it failed', record('failed'), { do: 'upgrade', adopt: false }],
    ['an installation was cut off', record('pending-install'), { do: 'heal' }],
    ['an upgrade was cut off', record('pending-upgrade'), { do: 'heal' }],
    ['a roll-back was cut off', record('pending-rollback'), { do: 'heal' }],
    ['it was being uninstalled', record('uninstalling'), { do: 'reinstall' }],
    ['it was uninstalled, and is in the history', record('uninstalled'), { do: 'install' }],
    ['it is superseded', record('superseded'), { do: 'upgrade', adopt: false }],
  ])('when %s', (_, found, expected) => {
    expect(plan(found)).toEqual(expected);
  });

  it('waits for the helm of somebody else as long as that may take', () => {
    expect(plan(record('pending-upgrade', { owner: 'nobody' }))).toMatchObject({ do: 'wait' });
    expect(plan(record('pending-upgrade', { owner: 'nobody', at: '2026-03-01T00:07:59Z' }))).toEqual({ do: 'heal' });
  });

  it('installs anew what failed at first, where that is atomic', () => {
    const atomic = { ...spec, atomic: true };
    expect(plan(record('failed', { revision: 1 }), { spec: atomic })).toEqual({ do: 'reinstall' });
    expect(plan(record('failed', { revision: 2 }), { spec: atomic })).toEqual({ do: 'upgrade', adopt: false });
  });

  it('leaves what another HelmRelease deploys', () => {
    for (const owner of ['namespace', 'release'] as const) {
      expect(plan(record('deployed', { owner }))).toMatchObject({
        do: 'refuse',
        message: expect.stringContaining('by another HelmRelease'),
      });
    }
  });

  it('takes over what is left of a HelmRelease that is gone', () => {
    const left = record('deployed', { owner: 'release' });
    expect(ownerOf({ namespace, hash: 'ours', isOther: () => false }, left)).toBe('own');
    expect(left.labels[labels.releaseHash]).toBe('theirs');
  });
});
