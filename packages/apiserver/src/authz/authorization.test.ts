// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';

import { closeServers, prefix, refused, startServer } from '../testing/startServer.ts';

afterEach(closeServers);

describe('authorization', () => {
  it('asks for exactly what the request is about, without the secrets among the extras', async () => {
    const { as, cluster } = await startServer();
    const headers = { 'X-Remote-Group': 'dev', 'X-Remote-Extra-Team': 'a', 'X-Remote-Extra-Clusternet-Token': 'child-token' };
    expect((await as('jane', `${prefix}/sockets/c1/proxy/direct/api?x=1`, { method: 'POST', headers })).code).toBe(200);
    expect(cluster.reviews).toEqual([
      {
        kind: 'SubjectAccessReview',
        spec: {
          user: 'jane',
          groups: ['dev', 'system:authenticated'],
          extra: { team: ['a'], 'clusternet-token': ['***'] },
          resourceAttributes: {
            verb: 'create',
            group: 'proxies.example.io',
            version: 'v1alpha1',
            resource: 'sockets',
            subresource: 'proxy',
            name: 'c1',
          },
        },
      },
    ]);
  });

  it('says who may not do what, as kube-apiserver does', async () => {
    const { as, cluster } = await startServer();
    cluster.allow = () => false;
    const answer = await as('jane', `${prefix}/sockets/c1/proxy`);
    expect(answer.code).toBe(403);
    expect(answer.json()).toMatchObject({
      reason: 'Forbidden',
      message:
        'sockets.proxies.example.io "c1" is forbidden: User "jane" cannot get resource "sockets/proxy" ' +
        'in API group "proxies.example.io" at the cluster scope',
      details: { name: 'c1', group: 'proxies.example.io', kind: 'sockets' },
    });
    expect((await as('jane', '/metrics')).json()['message']).toBe('forbidden: User "jane" cannot get path "/metrics"');
  });

  it('keeps verdicts for a while, and no failures', async () => {
    const { as, cluster } = await startServer();
    cluster.failure = refused();
    expect((await as('jane', `${prefix}/sockets/c1`)).code).toBe(503);
    cluster.failure = undefined;
    for (let i = 0; i < 3; i++) expect((await as('jane', `${prefix}/sockets/c1`)).code).toBe(200);
    expect((await as('joe', `${prefix}/sockets/c1`)).code).toBe(200);
    expect(cluster.reviews.map(({ spec }) => spec.user)).toEqual(['jane', 'joe']);
  });

  it('asks once for all objects when the front proxy has decided about the one', async () => {
    const { as, call, cluster } = await startServer();
    for (const name of ['c1', 'c2']) expect((await as('jane', `${prefix}/sockets/${name}`)).code).toBe(200);
    cluster.tokens.set('token', { username: 'joe' });
    for (const name of ['c1', 'c2']) {
      expect((await call(`${prefix}/sockets/${name}`, { headers: { Authorization: 'Bearer token' } })).code).toBe(200);
    }
    const reviews = cluster.reviews.filter(({ kind }) => kind === 'SubjectAccessReview');
    expect(reviews.map(({ spec }) => [spec.user, spec.resourceAttributes?.name])).toEqual([
      ['jane', undefined],
      ['joe', 'c1'],
      ['joe', 'c2'],
    ]);
  });

  it('asks about the one object when not all are allowed', async () => {
    const { as, cluster } = await startServer();
    cluster.allow = ({ resourceAttributes }) => resourceAttributes?.name === 'c1';
    expect((await as('jane', `${prefix}/sockets/c1`)).code).toBe(200);
    expect((await as('jane', `${prefix}/sockets/c2`)).code).toBe(403);
  });

  it('asks nobody about system:masters', async () => {
    const { as, cluster } = await startServer();
    expect((await as('root', '/metrics', { headers: { 'X-Remote-Group': 'system:masters' } })).code).toBe(200);
    expect(cluster.reviews).toEqual([]);
  });

  it('lets strangers nowhere but to health and version', async () => {
    const { call, cluster } = await startServer();
    cluster.allow = ({ user }) => user !== 'system:anonymous';
    for (const open of ['/healthz', '/livez', '/readyz', '/readyz?verbose', '/version']) {
      expect([open, (await call(open)).code]).toEqual([open, 200]);
    }
    const closed = [
      '/',
      '/apis',
      '/apis/',
      '/apis/proxies.example.io',
      prefix,
      `${prefix}/sockets`,
      `${prefix}/SOCKETS`,
      `${prefix}/sockets?watch=true`,
      `${prefix}/sockets/c`,
      `${prefix}/sockets/c/`,
      `${prefix}/sockets/c/proxy`,
      `${prefix}/sockets/c/proxy/direct/healthz`,
      `${prefix}/namespaces/n/things/t`,
      `${prefix}/nothing`,
      '/APIS/proxies.example.io/v1alpha1/sockets/c',
      '/api',
      '/openapi/v2',
      '/openapi/v3',
      '/openapi/v3/apis/proxies.example.io/v1alpha1',
      '/metrics',
      '/Metrics',
      '/healthz/x',
      '/version/',
      '/debug/pprof',
      '/swagger.json',
    ];
    for (const path of closed) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const { code, json } = await call(path, { method });
        expect([path, method, code, json()['kind']]).toEqual([path, method, 403, 'Status']);
      }
      expect((await call(path, { headers: { Authorization: 'Bearer wrong' } })).code).toBe(401);
    }
  });
});
