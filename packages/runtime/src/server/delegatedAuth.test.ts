// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeClient } from '@clusternet/client';
import { FakeClock } from '../testing/fakeClock.ts';
import { DelegatedAuth } from './delegatedAuth.ts';

function setUp() {
  const asked: string[] = [];
  const state = { fail: false, allowed: true };
  const client = {
    resource: ({ kind }: { kind: string }) => ({
      create: async (object: { spec: { token?: string; user?: string } }) => {
        asked.push(kind);
        if (state.fail) throw new Error('connection refused');
        if (kind === 'TokenReview') {
          const user = object.spec.token === 'good' ? { username: 'prometheus', groups: ['g'] } : undefined;
          return { status: { authenticated: user !== undefined, user } };
        }
        return { status: { allowed: state.allowed && object.spec.user === 'prometheus' } };
      },
    }),
  } as unknown as KubeClient;
  const clock = new FakeClock();
  return { auth: new DelegatedAuth(client, clock), asked, state, clock };
}

describe('DelegatedAuth', () => {
  it('asks nobody about a request without token', async () => {
    const { auth, asked } = setUp();
    await expect(auth.check(undefined, '/metrics')).resolves.toBe('unauthenticated');
    expect(asked).toEqual([]);
  });

  it('tells an unknown token from an account without the right', async () => {
    const { auth, state } = setUp();
    await expect(auth.check('bad', '/metrics')).resolves.toBe('unauthenticated');
    state.allowed = false;
    await expect(auth.check('good', '/metrics')).resolves.toBe('forbidden');
  });

  it('remembers a verdict for ten seconds, asked for once by many at a time', async () => {
    const { auth, asked, state, clock } = setUp();
    const verdicts = await Promise.all([auth.check('good', '/metrics'), auth.check('good', '/metrics')]);
    expect(verdicts).toEqual(['allowed', 'allowed']);
    clock.jump(9_999);
    state.allowed = false;
    await expect(auth.check('good', '/metrics')).resolves.toBe('allowed');
    expect(asked).toHaveLength(2);
    clock.jump(1);
    await expect(auth.check('good', '/metrics')).resolves.toBe('forbidden');
  });

  it('does not remember failures to ask', async () => {
    const { auth, state } = setUp();
    state.fail = true;
    await expect(auth.check('good', '/metrics')).rejects.toThrow('connection refused');
    state.fail = false;
    await expect(auth.check('good', '/metrics')).resolves.toBe('allowed');
  });
});
