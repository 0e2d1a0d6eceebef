// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';

import { CertificateAuthority } from '@clusternet/pki';
import { closeServers, prefix, refused, startServer } from '../testing/startServer.ts';

afterEach(closeServers);

const path = `${prefix}/sockets/c`;

describe('front proxy', () => {
  it('is believed about user, groups, uid and extras', async () => {
    const { call, frontProxy } = await startServer();
    const headers = {
      'X-Remote-User': Buffer.from('jos\u00e9').toString('latin1'),
      'X-Remote-Uid': 'u-1',
      'X-Remote-Group': ['dev', 'ops,admin'],
      'X-Remote-Extra-Acme.com%2Fproject': ['a', 'b'],
      'X-Remote-Extra-Clusternet-Token': 'child-token',
      'X-Forwarded-For': '10.0.0.1',
      Authorization: 'Basic c3lzdGVtOmFub255bW91cw==',
    };
    const answer = await call(path, { ...frontProxy, headers });
    expect(answer.code).toBe(200);
    expect(answer.json()['user']).toEqual({
      name: 'jos\u00e9',
      uid: 'u-1',
      groups: ['dev', 'ops,admin', 'system:authenticated'],
      extra: { 'acme.com/project': ['a', 'b'] },
    });
    expect(answer.json()['secretExtras']).toEqual({ 'clusternet-token': ['child-token'] });
    for (const field of ['headers', 'rawHeaders', 'headersDistinct']) {
      expect(JSON.stringify(answer.json()[field]).toLowerCase()).not.toMatch(/x-remote|authorization|child-token/);
      expect(JSON.stringify(answer.json()[field]).toLowerCase()).toContain('x-forwarded-for');
    }
  });

  it.each<[string, (s: Awaited<ReturnType<typeof startServer>>) => Promise<object>]>([
    ['no certificate', async () => ({})],
    ['a certificate of a client CA', ({ clientCa }) => clientCa.issue({ names: ['front-proxy-client'] })],
    [
      'a certificate of an unknown CA',
      async () => (await CertificateAuthority.create('other')).issue({ names: ['front-proxy-client'] }),
    ],
    [
      'a certificate of an impostor CA of the same name',
      async () => (await CertificateAuthority.create('front-proxy-ca')).issue({ names: ['front-proxy-client'] }),
    ],
    ['a name that is not allowed', ({ frontProxyCa }) => frontProxyCa.issue({ names: ['somebody'] })],
    ['two names', ({ frontProxyCa }) => frontProxyCa.issue({ names: ['somebody', 'front-proxy-client'] })],
    [
      'an expired certificate',
      ({ frontProxyCa }) => frontProxyCa.issue({ names: ['front-proxy-client'], notAfter: new Date(Date.now() - 60_000) }),
    ],
    [
      'a certificate for servers',
      ({ frontProxyCa }) => frontProxyCa.issue({ names: ['front-proxy-client'], usages: ['server'] }),
    ],
  ])('is not believed with %s', async (_what, certificate) => {
    const started = await startServer();
    const answer = await started.call(path, {
      ...(await certificate(started)),
      headers: { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' },
    });
    expect(answer.code).toBe(401);
    expect(answer.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    expect(answer.headers.connection).toBe('close');
    expect(started.cluster.reviews).toEqual([]);
  });

  it.each(['X-Remote-User', 'X-Remote-Group', 'X-Remote-Extra-Foo', 'x-remote-uid'])(
    'alone may send %s, also beside a good token',
    async (header) => {
      const { call, cluster } = await startServer();
      cluster.tokens.set('good', { username: 'jane' });
      const headers = { [header]: 'x', Authorization: 'Bearer good' };
      expect((await call(path, { headers })).code).toBe(401);
      expect((await call(path, { headers: { Authorization: 'Bearer good' } })).code).toBe(200);
    },
  );

  it('may be signed by an intermediate that stands in the bundle, not by one sent along', async () => {
    const { call, frontProxyCa, cluster } = await startServer();
    const intermediate = await frontProxyCa.intermediate('between');
    const { cert, key } = await intermediate.issue({ names: ['front-proxy-client'] });
    const ask = () => call(path, { cert: cert + intermediate.cert, key, headers: { 'X-Remote-User': 'jane' } });
    expect((await ask()).code).toBe(401);
    cluster.setAuthentication({ 'requestheader-client-ca-file': frontProxyCa.cert + intermediate.cert });
    let answer = await ask();
    while (answer.code !== 200) answer = await ask();
    expect(answer.json()['user']).toMatchObject({ name: 'jane' });
  });

  it('cannot be followed by a leaf that plays authority', async () => {
    const { call, frontProxyCa } = await startServer();
    const leaf = await frontProxyCa.issue({ names: ['front-proxy-client'] });
    const fake = await CertificateAuthority.create('front-proxy-client');
    const forged = await fake.issue({ names: ['front-proxy-client'] });
    const answer = await call(path, { cert: forged.cert + leaf.cert, key: forged.key, headers: { 'X-Remote-User': 'jane' } });
    expect(answer.code).toBe(401);
  });

  it('uses the header names of the ConfigMap; the default ones are then nobody\u2019s and are removed', async () => {
    const { call, frontProxy } = await startServer({
      authentication: {
        'requestheader-username-headers': '["X-Proxy-User"]',
        'requestheader-group-headers': '["X-Proxy-Group"]',
        'requestheader-extra-headers-prefix': '["X-Proxy-Extra-"]',
      },
    });
    const headers = {
      'X-Proxy-User': 'jane',
      'X-Proxy-Group': 'dev',
      'X-Proxy-Extra-A': '1',
      'X-Remote-Group': 'system:masters',
    };
    const answer = await call(path, { ...frontProxy, headers });
    expect(answer.json()['user']).toEqual({ name: 'jane', groups: ['dev', 'system:authenticated'], extra: { a: ['1'] } });
    expect(JSON.stringify(answer.json()['rawHeaders'])).not.toMatch(/X-Proxy|X-Remote/);
    expect((await call(path, { headers: { 'X-Proxy-User': 'jane' } })).code).toBe(401);
    expect((await call(path, { ...frontProxy, headers: { 'X-Remote-User': 'jane' } })).code).toBe(401);
  });

  it('may not name two users', async () => {
    const { call, frontProxy } = await startServer();
    expect((await call(path, { ...frontProxy, headers: { 'X-Remote-User': ['jane', 'admin'] } })).code).toBe(401);
  });

  it('changes with the ConfigMap: a new authority counts at once, the old one no more', async () => {
    const { call, cluster, frontProxy, as } = await startServer();
    expect((await as('jane', path)).code).toBe(200);
    const next = await CertificateAuthority.create('front-proxy-ca-2');
    const rotated = await next.issue({ names: ['front-proxy-client'] });
    const headers = { 'X-Remote-User': 'jane' };
    expect((await call(path, { ...rotated, headers })).code).toBe(401);
    cluster.setAuthentication({ 'requestheader-client-ca-file': next.cert, 'requestheader-allowed-names': '[]' });
    let code = 0;
    while (code !== 200) ({ code } = await call(path, { ...rotated, headers }));
    expect((await call(path, { ...frontProxy, headers })).code).toBe(401);
  });

  it('stays what it was when the ConfigMap breaks', async () => {
    const { as, cluster, health } = await startServer();
    cluster.setAuthentication({ 'requestheader-client-ca-file': 'x', 'requestheader-allowed-names': 'no json' });
    expect((await as('jane', path)).code).toBe(200);
    expect(health.ready().every(({ problem }) => problem === undefined)).toBe(true);
  });
});

describe('other identities', () => {
  it('takes a client certificate for its user and groups', async () => {
    const { call, clientCa } = await startServer();
    const pair = await clientCa.issue({ names: ['jane'], organizations: ['dev', 'ops'] });
    expect((await call(path, pair)).json()['user']).toEqual({
      name: 'jane',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: {},
    });
  });

  it('takes nothing from the certificate of the front proxy itself', async () => {
    const { call, frontProxy } = await startServer();
    expect((await call(path, frontProxy)).json()['user']).toMatchObject({ name: 'system:anonymous' });
  });

  it('asks whose a token is once in ten seconds, and refuses a wrong one', async () => {
    const { call, cluster } = await startServer();
    cluster.tokens.set('good', { username: 'jane', groups: ['dev'], extra: { 'clusternet-token': ['child'] } });
    const get = (token: string) => call(path, { headers: { Authorization: `Bearer ${token}` } });
    const answers = await Promise.all([get('good'), get('good'), get('good')]);
    expect(answers.map(({ code }) => code)).toEqual([200, 200, 200]);
    expect(answers[0]?.json()).toMatchObject({
      user: { name: 'jane', groups: ['dev', 'system:authenticated'], extra: {} },
      secretExtras: { 'clusternet-token': ['child'] },
    });
    expect(cluster.reviews.filter(({ kind }) => kind === 'TokenReview')).toHaveLength(1);
    expect((await get('bad')).code).toBe(401);
  });

  it('answers 503 when nobody can be asked', async () => {
    const { call, cluster } = await startServer();
    cluster.failure = refused();
    const answer = await call(path, { headers: { Authorization: 'Bearer x' } });
    expect(answer.code).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect((await call('/healthz')).code).toBe(200);
  });

  it('refuses impersonation, which only kube-apiserver may do', async () => {
    const { call, cluster } = await startServer();
    cluster.tokens.set('good', { username: 'jane' });
    const answer = await call(path, { headers: { Authorization: 'Bearer good', 'Impersonate-User': 'admin' } });
    expect(answer.code).toBe(400);
  });

  it('proves the key of a certificate, not just its possession', async () => {
    const { call, frontProxy } = await startServer();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await expect(call(path, { ...frontProxy, key, headers: { 'X-Remote-User': 'jane' } })).rejects.toThrow();
  });
});
