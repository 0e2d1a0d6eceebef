// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { planRollout, type RolloutMember, type RolloutStrategy, rolloutStrategySchema } from './plan.ts';

const now = 1_000_000;
const strategy = (o: object): RolloutStrategy => rolloutStrategySchema.parse({ steps: [{ count: 1 }], ...o });
const fresh = (name: string, more: Partial<RolloutMember> = {}): RolloutMember => ({
  key: name,
  name,
  labels: { name },
  assessed: { inputs: 'new', outdated: false },
  healthySince: 0,
  ...more,
});
const old = (name: string, more: Partial<RolloutMember> = {}): RolloutMember =>
  fresh(name, { assessed: { inputs: 'new', outdated: true }, ...more });
const plan = (o: Partial<Parameters<typeof planRollout>[0]>): string => {
  const { state, message, open } = planRollout({
    strategy: strategy({}),
    members: [],
    inputs: 'new',
    paused: false,
    approved: undefined,
    now,
    ...o,
  });
  return `${state} [${[...open].sort().join(' ')}] ${message}`;
};
const sick = { healthySince: undefined, problem: { message: 'a: v1/x is not available yet', since: now - 5000 } };

describe('planRollout', () => {
  it.each<[string, string, RegExp]>([
    ['without a strategy all go at once', plan({ strategy: undefined, members: [old('a'), old('b')] }), /^Complete \[a b\]/],
    [
      'the first one goes first',
      plan({ members: [old('b'), old('a'), old('c')] }),
      /^Progressing \[a\] step 1 of 2: a get the change/,
    ],
    [
      'those that were not looked at since are behind',
      plan({ members: [fresh('a', { assessed: { inputs: 'old', outdated: false } }), old('b')] }),
      /^Progressing \[a\]/,
    ],
    [
      'those that were never looked at are behind',
      plan({ members: [fresh('a', { assessed: undefined }), old('b')] }),
      /^Progressing \[a\]/,
    ],
    [
      'health is waited for',
      plan({ members: [fresh('a', sick), old('b')] }),
      /^WaitingForHealth \[a\] step 1 of 2: a are not healthy yet: a: v1\/x is not available/,
    ],
    [
      'and for long enough',
      plan({ members: [fresh('a', { healthySince: now - 4000 }), old('b')] }),
      /^WaitingForHealth \[a\] .*watched for 6 s more/,
    ],
    [
      'then the rest goes',
      plan({ members: [fresh('a'), old('b'), old('c')] }),
      /^Progressing \[a b c\] step 2 of 2: b, c get the change/,
    ],
    [
      'it stops when the first does not become healthy',
      plan({ strategy: strategy({ deadlineSeconds: 5 }), members: [fresh('a', sick), old('b')] }),
      /^Stopped \[a\] .*a did not become healthy in 5 s: a: v1\/x/,
    ],
    [
      'a person is waited for',
      plan({ strategy: strategy({ approval: true }), members: [fresh('a'), old('b')] }),
      /^WaitingForApproval \[a\] .*approve new to go on with b/,
    ],
    [
      'who lets one change through',
      plan({ strategy: strategy({ approval: true }), approved: 'new', members: [fresh('a'), old('b')] }),
      /^Progressing \[a b\]/,
    ],
    [
      'and not the next one',
      plan({ strategy: strategy({ approval: true }), approved: 'old', members: [fresh('a'), old('b')] }),
      /^WaitingForApproval/,
    ],
    [
      'nobody is asked when nothing is left to do',
      plan({ strategy: strategy({ approval: true }), members: [fresh('a'), fresh('b')] }),
      /^Complete \[a b\]/,
    ],
    ['paused means nobody', plan({ paused: true, members: [fresh('a'), old('b')] }), /^Paused \[\] paused; b wait/],
    ['the end waits for health too', plan({ members: [fresh('a'), fresh('b', sick)] }), /^WaitingForHealth \[a b\]/],
    [
      'clusters by their labels',
      plan({
        strategy: strategy({ steps: [{ selector: { matchLabels: { name: 'c' } } }] }),
        members: [old('a'), old('b'), old('c')],
      }),
      /^Progressing \[c\]/,
    ],
    [
      'a count of those',
      plan({
        strategy: strategy({ steps: [{ selector: {}, count: 2 }, { count: 1 }] }),
        members: ['a', 'b', 'c', 'd'].map((name) => old(name)),
      }),
      /^Progressing \[a b\] step 1 of 3/,
    ],
    [
      'a step that chooses none is none',
      plan({
        strategy: strategy({ steps: [{ selector: { matchLabels: { name: 'x' } } }, { count: 1 }] }),
        members: [old('a'), old('b')],
      }),
      /^Progressing \[a\] step 1 of 2/,
    ],
    [
      'many are counted',
      plan({ strategy: undefined, paused: true, members: ['a', 'b', 'c', 'd', 'e'].map((name) => old(name)) }),
      /a, b, c and 2 more wait/,
    ],
  ])('%s', (_, said, expected) => {
    expect(said).toMatch(expected);
  });

  it('never opens a later step while an earlier cluster is behind or not healthy', () => {
    const member = fc.record({ outdated: fc.boolean(), inputs: fc.constantFrom('new', 'old'), healthy: fc.boolean() });
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 6 }), (list, count) => {
        const members = list.map(({ outdated, inputs, healthy }, i) =>
          fresh(`m${i}`, { assessed: { inputs, outdated }, healthySince: healthy ? 0 : undefined }),
        );
        const { open } = planRollout({
          strategy: strategy({ steps: [{ count }] }),
          members,
          inputs: 'new',
          paused: false,
          approved: undefined,
          now,
        });
        const firstFine = list.slice(0, count).every(({ outdated, inputs, healthy }) => !outdated && inputs === 'new' && healthy);
        expect(open.size).toBe(firstFine ? members.length : Math.min(count, members.length));
      }),
    );
  });
});

describe('rolloutStrategySchema', () => {
  it.each([[{ steps: [] }], [{ steps: [{}] }], [{ steps: [{ count: 0 }] }], [{ steps: [{ count: 1 }], soak: 1 }], ['first']])(
    'refuses %j',
    (value) => {
      expect(rolloutStrategySchema.safeParse(value).success).toBe(false);
    },
  );
});
