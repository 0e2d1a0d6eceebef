// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { resources } from '@clusternet/api-types';
import { FakeCluster } from '../testing/fakeCluster.ts';
import { requestOf } from '../testing/registration.ts';
import { guardedApi } from './guardedApi.ts';

describe('guardedApi', () => {
  it('sends nothing once the term of leadership is over', async () => {
    const cluster = new FakeCluster();
    const term = new AbortController();
    const requests = guardedApi(cluster, term.signal).resource(resources.clusterRegistrationRequests);
    await requests.create(requestOf('11111111-2222-4333-8444-555555555555'));
    term.abort(new Error('lost'));
    expect(() => requests.delete({ name: 'clusternet-11111111-2222-4333-8444-555555555555' })).toThrow('lost');
    await expect(guardedApi(cluster, term.signal).request({ method: 'GET', path: '/' })).rejects.toThrow('lost');
    expect(cluster.list(resources.clusterRegistrationRequests)).toHaveLength(1);
  });
});
