// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeClient } from '@clusternet/client';
import { ServiceAccountTokens } from './serviceAccountTokens.ts';

/** A child that issues numbered tokens of this life. */
function issuing(lifeMs: number) {
  const state = { now: new Date('2026-01-01T00:00:00Z'), paths: [] as string[], failing: false };
  const request = ({ path }: { path: string }) => {
    state.paths.push(path);
    if (state.failing) return Promise.reject(new Error('away'));
    const expirationTimestamp = new Date(state.now.getTime() + lifeMs).toISOString();
    return Promise.resolve({ status: { token: `token-${state.paths.length}`, expirationTimestamp } });
  };
  const child = { request } as unknown as Pick<KubeClient, 'request' | 'resource'>;
  return {
    state,
    tokens: new ServiceAccountTokens({ child, namespace: 'clusternet-system', name: 'somebody', now: () => state.now }),
  };
}

describe('ServiceAccountTokens', () => {
  it('asks for a token of its ServiceAccount, and only once while it is young', async () => {
    const { state, tokens } = issuing(3_600_000);
    expect(await tokens.token()).toBe('token-1');
    state.now = new Date(state.now.getTime() + 1_700_000);
    expect(await tokens.token()).toBe('token-1');
    expect(state.paths).toEqual(['/api/v1/namespaces/clusternet-system/serviceaccounts/somebody/token']);
  });

  it('renews at half of the life that the child really gave', async () => {
    const { state, tokens } = issuing(600_000);
    await tokens.token();
    state.now = new Date(state.now.getTime() + 301_000);
    expect(await tokens.token()).toBe('token-2');
  });

  it('asks once for many requests at a time', async () => {
    const { state, tokens } = issuing(600_000);
    expect(await Promise.all([tokens.token(), tokens.token(), tokens.token()])).toEqual(['token-1', 'token-1', 'token-1']);
    expect(state.paths).toHaveLength(1);
  });

  it('tries again after a failure', async () => {
    const { state, tokens } = issuing(600_000);
    state.failing = true;
    await expect(tokens.token()).rejects.toThrow('away');
    state.failing = false;
    expect(await tokens.token()).toBe('token-2');
  });
});
