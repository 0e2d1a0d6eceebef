// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ManagedCluster } from '@clusternet/api-types';
import { ApiError, type KubeClient } from '@clusternet/client';
import { retainOnDeregistration, type RetainOptions } from './retain.ts';

const here = { metadata: { name: 'x' } };
const going = { metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' } };

/** What the parent answers for the Namespace and for the request. */
function options(answers: { namespace?: unknown; request?: unknown; cluster?: unknown }): RetainOptions {
  const resource = ({ resource: plural }: { resource: string }) => ({
    find: () => {
      const answer = plural === 'namespaces' ? answers.namespace : answers.request;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return {
    parent: { resource } as unknown as Pick<KubeClient, 'resource'>,
    namespace: 'clusternet-abcde',
    requestName: 'clusternet-id',
    managedCluster: () => answers.cluster as ManagedCluster | undefined,
  };
}

describe('retainOnDeregistration', () => {
  it('lets objects be removed while the parent holds the cluster', async () => {
    expect(await retainOnDeregistration(options({ namespace: here, request: here, cluster: here }))).toBe(false);
  });

  it.each([
    ['the namespace goes', { namespace: going, request: here, cluster: here }],
    ['the namespace is gone', { namespace: undefined, request: here, cluster: here }],
    ['the request goes', { namespace: here, request: going, cluster: here }],
    ['the request is gone', { namespace: here, request: undefined, cluster: here }],
    ['the ManagedCluster goes', { namespace: here, request: here, cluster: going }],
    ['the ManagedCluster is gone', { namespace: here, request: here, cluster: undefined }],
  ])('keeps objects when %s', async (_case, answers) => {
    expect(await retainOnDeregistration(options(answers))).toBe(true);
  });

  it('does without the Namespace where a child may not read it', async () => {
    const forbidden = new ApiError('no', { status: 403 });
    expect(await retainOnDeregistration(options({ namespace: forbidden, request: here, cluster: here }))).toBe(false);
    expect(await retainOnDeregistration(options({ namespace: forbidden, request: going, cluster: here }))).toBe(true);
  });

  it('decides nothing when the parent does not answer', async () => {
    const broken = options({ namespace: here, request: new ApiError('Unauthorized', { status: 401 }), cluster: here });
    await expect(retainOnDeregistration(broken)).rejects.toThrow('Unauthorized');
  });
});
