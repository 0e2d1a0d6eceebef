// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ApiError } from './apiError.ts';
import { NoKindError, RestMapper } from './restMapper.ts';

type Answers = Record<string, unknown>;

const apps = {
  resources: [
    { name: 'deployments/scale', kind: 'Scale', namespaced: true, group: 'autoscaling', version: 'v1' },
    { name: 'deployments', kind: 'Deployment', namespaced: true },
    { name: 'deployments/status', kind: 'Deployment', namespaced: true },
  ],
};
const deployment = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment', namespaced: true };

function mapperOf(answers: Answers): { mapper: RestMapper; asked: string[]; clock: { now: number } } {
  const asked: string[] = [];
  const clock = { now: 0 };
  const fetch = async (path: string): Promise<unknown> => {
    asked.push(path);
    await Promise.resolve();
    const answer = answers[path];
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw new ApiError('not found', { status: 404 });
    return answer;
  };
  return { mapper: new RestMapper({ fetch, now: () => clock.now }), asked, clock };
}

describe('RestMapper.resourceFor', () => {
  it('asks for one group and version, once', async () => {
    const { mapper, asked } = mapperOf({ '/apis/apps/v1': apps });
    const found = await Promise.all([1, 2, 3].map(() => mapper.resourceFor('apps/v1', 'Deployment')));
    expect(found).toEqual([deployment, deployment, deployment]);
    expect(await mapper.resourceFor('apps/v1', 'Deployment')).toBe(found[0]);
    expect(asked).toEqual(['/apis/apps/v1']);
  });

  it('knows the core group and cluster-scoped kinds', async () => {
    const { mapper } = mapperOf({ '/api/v1': { resources: [{ name: 'nodes', kind: 'Node', namespaced: false }] } });
    expect(await mapper.resourceFor('v1', 'Node')).toEqual({
      group: '',
      version: 'v1',
      resource: 'nodes',
      kind: 'Node',
      namespaced: false,
    });
  });

  it('does not take a subresource for a kind', async () => {
    const { mapper } = mapperOf({ '/apis/apps/v1': apps });
    await expect(mapper.resourceFor('apps/v1', 'Scale')).rejects.toBeInstanceOf(NoKindError);
  });

  it('looks again for an unknown kind, at most every two seconds', async () => {
    const answers: Answers = {};
    const { mapper, asked, clock } = mapperOf(answers);
    const lookup = (): Promise<unknown> => mapper.resourceFor('example.com/v1', 'Widget');
    await expect(lookup()).rejects.toMatchObject({ name: 'NoKindError', apiVersion: 'example.com/v1', kind: 'Widget' });
    answers['/apis/example.com/v1'] = { resources: [{ name: 'widgets', kind: 'Widget', namespaced: true }] };
    clock.now = 1_999;
    await expect(lookup()).rejects.toBeInstanceOf(NoKindError);
    expect(asked).toHaveLength(1);
    clock.now = 2_000;
    expect(await lookup()).toMatchObject({ resource: 'widgets' });
    expect(asked).toHaveLength(2);
  });

  it('forgets on invalidate, what is on its way included', async () => {
    const answers: Answers = { '/apis/apps/v1': apps };
    const { mapper, asked } = mapperOf(answers);
    const early = mapper.resourceFor('apps/v1', 'Deployment');
    mapper.invalidate();
    await early;
    answers['/apis/apps/v1'] = { resources: [{ name: 'deploys', kind: 'Deployment', namespaced: false }] };
    expect(await mapper.resourceFor('apps/v1', 'Deployment')).toMatchObject({ resource: 'deploys' });
    expect(asked).toHaveLength(2);
  });

  it('does not take a failing server for a missing kind', async () => {
    const answers: Answers = { '/apis/apps/v1': new ApiError('down', { status: 503 }) };
    const { mapper } = mapperOf(answers);
    await expect(mapper.resourceFor('apps/v1', 'Deployment')).rejects.toMatchObject({ status: 503 });
    answers['/apis/apps/v1'] = apps;
    expect(await mapper.resourceFor('apps/v1', 'Deployment')).toEqual(deployment);
  });
});

describe('RestMapper.discover', () => {
  it('reads the aggregated form in two requests and remembers it', async () => {
    const resources = [
      { resource: 'deployments', scope: 'Namespaced', responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
    ];
    const { mapper, asked } = mapperOf({
      '/api': { kind: 'APIGroupDiscoveryList', items: [] },
      '/apis': {
        kind: 'APIGroupDiscoveryList',
        items: [
          { metadata: { name: 'apps' }, versions: [{ version: 'v1', freshness: 'Current', resources }] },
          { metadata: { name: 'metrics.k8s.io' }, versions: [{ version: 'v1beta1', freshness: 'Stale' }] },
        ],
      },
    });
    const { versions, stale } = await mapper.discover();
    expect([...versions.keys()]).toEqual(['apps/v1']);
    expect(stale).toEqual(['metrics.k8s.io/v1beta1']);
    expect(await mapper.resourceFor('apps/v1', 'Deployment')).toEqual(deployment);
    expect(asked).toEqual(['/api', '/apis']);
  });

  it('falls back to the classic form, one broken aggregated server aside', async () => {
    const { mapper } = mapperOf({
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/apis': {
        kind: 'APIGroupList',
        groups: [{ versions: [{ groupVersion: 'apps/v1' }] }, { versions: [{ groupVersion: 'broken.io/v1' }] }],
      },
      '/api/v1': { resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] },
      '/apis/apps/v1': apps,
      '/apis/broken.io/v1': new ApiError('no endpoints', { status: 503 }),
    });
    const { versions, stale } = await mapper.discover();
    expect([...versions.keys()]).toEqual(['v1', 'apps/v1']);
    expect(stale).toEqual(['broken.io/v1']);
  });
});
