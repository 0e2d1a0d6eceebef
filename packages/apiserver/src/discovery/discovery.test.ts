// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { closeServers, prefix, startServer } from '../testing/startServer.ts';

afterEach(closeServers);

const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

describe('discovery', () => {
  it('lists groups, versions and resources', async () => {
    const { as } = await startServer();
    const groupVersion = 'proxies.example.io/v1alpha1';
    const entry = {
      name: 'proxies.example.io',
      versions: [{ groupVersion, version: 'v1alpha1' }],
      preferredVersion: { groupVersion, version: 'v1alpha1' },
    };
    expect((await as('jane', '/apis')).json()).toEqual({ kind: 'APIGroupList', apiVersion: 'v1', groups: [entry] });
    expect((await as('jane', '/apis/proxies.example.io/')).json()).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...entry });
    const list = (await as('jane', prefix)).json();
    expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion });
    expect(list['resources']).toEqual([
      {
        name: 'sockets',
        singularName: 'socket',
        namespaced: false,
        kind: 'Socket',
        verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
        shortNames: ['ss'],
        categories: ['clusternet'],
      },
      { name: 'sockets/proxy', singularName: '', namespaced: false, kind: 'Socket', verbs: ['get', 'create'] },
      { name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get', 'list'] },
    ]);
    expect((await as('jane', '/apis/other.example.io')).code).toBe(404);
    expect((await as('jane', '/apis/proxies.example.io/v9')).code).toBe(404);
    expect((await as('jane', '/apis', { method: 'POST' })).code).toBe(405);
  });

  it('gives everything at once to those who ask for it', async () => {
    const { as } = await startServer();
    const answer = await as('jane', '/apis', { headers: { Accept: `${v2},application/json;q=0.9` } });
    expect(answer.headers['content-type']).toBe(v2);
    expect(answer.json()).toMatchObject({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      items: [
        {
          metadata: { name: 'proxies.example.io' },
          versions: [
            {
              version: 'v1alpha1',
              freshness: 'Current',
              resources: [
                {
                  resource: 'sockets',
                  scope: 'Cluster',
                  responseKind: { group: 'proxies.example.io', version: 'v1alpha1', kind: 'Socket' },
                  subresources: [{ subresource: 'proxy', verbs: ['get', 'create'] }],
                },
                { resource: 'things', scope: 'Namespaced' },
              ],
            },
          ],
        },
      ],
    });
    const classic = await as('jane', '/apis', { headers: { Accept: `application/json,${v2};q=0.5` } });
    expect(classic.json()['kind']).toBe('APIGroupList');
    const older = await as('jane', '/apis', { headers: { Accept: v2.replace('v=v2', 'v=v2beta1') } });
    expect(older.json()['apiVersion']).toBe('apidiscovery.k8s.io/v2beta1');
  });

  it('shows resources as they come and go', async () => {
    const names = ['as'];
    const resources = () =>
      names.map((name) => ({ name, singularName: name, kind: name.toUpperCase(), namespaced: false, verbs: ['get'] }));
    const { as } = await startServer({ handlers: { resources } });
    expect((await as('jane', `${prefix}/bs/x`)).code).toBe(404);
    names.push('bs');
    expect((await as('jane', `${prefix}/bs/x`)).code).toBe(200);
    expect((await as('jane', prefix)).body).toContain('"bs"');
  });

  it('describes itself in OpenAPI, version 2 and 3', async () => {
    const { as } = await startServer();
    const gvk = [{ group: 'proxies.example.io', version: 'v1alpha1', kind: 'Socket' }];
    expect((await as('jane', '/openapi/v2')).json()).toMatchObject({
      swagger: '2.0',
      definitions: { 'io.example.proxies.v1alpha1.Socket': { type: 'object', 'x-kubernetes-group-version-kind': gvk } },
    });
    const index = (await as('jane', '/openapi/v3')).json() as { paths: Record<string, { serverRelativeURL: string }> };
    const url = index.paths['apis/proxies.example.io/v1alpha1']?.serverRelativeURL ?? '';
    expect((await as('jane', url)).json()).toMatchObject({
      openapi: '3.0.0',
      components: { schemas: { 'io.example.proxies.v1alpha1.Socket': { 'x-kubernetes-group-version-kind': gvk } } },
    });
  });

  it('says its version', async () => {
    const { call } = await startServer();
    expect((await call('/version')).json()).toMatchObject({ major: '1', minor: '2', gitVersion: 'v1.2.3' });
  });
});
