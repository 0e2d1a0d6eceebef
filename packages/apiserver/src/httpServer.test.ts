// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type UpgradeHandler } from './registry.ts';
import { readJson } from './request/body.ts';
import { StatusError } from './request/statusError.ts';
import { closeServers, exchange, prefix, rawConnection, routed, startServer } from './testing/startServer.ts';

afterEach(closeServers);

const path = `${prefix}/sockets/c`;

/** The status line of the first answer, and how many answers there are. */
function summary(text: string): { code: number; answers: number } {
  return { code: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), answers: text.match(/HTTP\/1\.1 \d/g)?.length ?? 0 };
}

const head = (lines: string[], body = ''): string => [...lines, '', body].join('\r\n');

describe('malformed requests', () => {
  const cases: [string, string][] = [
    [
      'Content-Length with Transfer-Encoding',
      head(
        [`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
        '0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      ),
    ],
    [
      'Transfer-Encoding with Content-Length',
      head(
        [`POST ${path} HTTP/1.1`, 'Host: h', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
        '0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      ),
    ],
    ['two Content-Lengths', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Length: 1', 'Content-Length: 2'], 'aa')],
    ['two equal Content-Lengths', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Length: 1', 'Content-Length: 1'], 'a')],
    ['a Content-Length list', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Length: 1, 1'], 'a')],
    ['a signed Content-Length', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Length: +1'], 'a')],
    ['an unknown Transfer-Encoding', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Transfer-Encoding: xchunked'], '0\r\n\r\n')],
    ['stacked Transfer-Encodings', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')],
    [
      'two Transfer-Encodings',
      head([`POST ${path} HTTP/1.1`, 'Host: h', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    ],
    ['a hidden Transfer-Encoding', head([`POST ${path} HTTP/1.1`, 'Host: h', 'Transfer-Encoding : chunked'], '0\r\n\r\n')],
    ['obs-fold', head([`GET ${path} HTTP/1.1`, 'Host: h', 'X-A: b', ' X-Remote-User: admin'])],
    ['a header that begins with a space', head([`GET ${path} HTTP/1.1`, ' X-Remote-User: admin', 'Host: h'])],
    ['bare LF between headers', `GET ${path} HTTP/1.1\r\nHost: h\nX-A: b\r\n\r\n`],
    ['bare LF at the end of the head', `GET ${path} HTTP/1.1\r\nHost: h\r\n\nGET / HTTP/1.1\r\n\r\n`],
    ['bare CR in a header', `GET ${path} HTTP/1.1\r\nHost: h\r\nX-A: b\rX-C: d\r\n\r\n`],
    ['NUL in a header', head([`GET ${path} HTTP/1.1`, 'Host: h', 'X-A: b\0c'])],
    ['a header without name', head([`GET ${path} HTTP/1.1`, 'Host: h', ': x'])],
    ['two hosts', head([`GET ${path} HTTP/1.1`, 'Host: h', 'Host: i'])],
    ['no host', head([`GET ${path} HTTP/1.1`])],
    ['HTTP/1.0', head([`GET ${path} HTTP/1.0`, 'Host: h'])],
    ['HTTP/2 without ALPN', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an oversized header', head([`GET ${path} HTTP/1.1`, 'Host: h', `X-A: ${'a'.repeat(70_000)}`])],
    ['an absolute URL of another host', head([`GET https://other${path} HTTP/1.1`, 'Host: h'])],
    ['a step up', head([`GET ${path}/proxy/../../x HTTP/1.1`, 'Host: h'])],
    ['raw bytes in the path', head([`GET ${path}\xff HTTP/1.1`, 'Host: h'])],
    ['a tab in the request line', head([`GET\t${path} HTTP/1.1`, 'Host: h'])],
    ['no HTTP at all', 'hello\r\n\r\n'],
  ];
  it.each(cases)('%s: 400 and the connection ends', async (_what, text) => {
    const { server } = await startServer();
    const answer = await exchange(server, text);
    expect(summary(answer)).toEqual({ code: 400, answers: 1 });
    expect(answer).toMatch(/"kind":"Status".*"reason":"BadRequest"/);
    expect(answer).toMatch(/connection: close/i);
  });

  const chunked = (body: string): string =>
    head([`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Type: application/json', 'Transfer-Encoding: chunked'], body);
  it.each([
    ['a chunk size that is no number', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a signed chunk size', '+2\r\n{}\r\n0\r\n\r\n'],
    ['a chunk longer than it says', '1\r\n{}\r\n0\r\n\r\n'],
    ['bare LF after a chunk size', '2\n{}\r\n0\r\n\r\n'],
    ['bare LF in a chunk extension', '2;a\n{}\r\n0\r\n\r\n'],
    ['bare CR in a chunk extension', '2;a\rb\r\n{}\r\n0\r\n\r\n'],
    ['an endless chunk extension', `2;${'a'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`],
  ])('%s in the body: 400', async (_what, body) => {
    const router = express.Router();
    router.post('/sockets/c', async (request, response) => void response.json(await readJson(request)));
    const { server } = await startServer({ handlers: { handler: routed(router), resources: [{ ...anyName, anyMethod: true }] } });
    expect(summary(await exchange(server, chunked(body)))).toEqual({ code: 400, answers: 1 });
  });

  it('drops well-formed chunk extensions, which mean nothing', async () => {
    const router = express.Router();
    router.post('/sockets/c', async (request, response) => void response.json(await readJson(request)));
    const { server } = await startServer({ handlers: { handler: routed(router), resources: [{ ...anyName, anyMethod: true }] } });
    const text = head(
      [`POST ${path} HTTP/1.1`, 'Host: h', 'Connection: close', 'Transfer-Encoding: chunked', 'Content-Type: application/json'],
      '2;a=b\r\n{}\r\n0\r\n\r\n',
    );
    expect(await exchange(server, text)).toMatch(/^HTTP\/1\.1 200[\s\S]*\{\}$/);
  });

  it('ends a connection whose head does not arrive in time, while others are served', async () => {
    const { server, as } = await startServer();
    const socket = await rawConnection(server);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const closed = once(socket, 'close');
    const drip = setInterval(() => socket.write('a'), 200);
    socket.write(`GET ${path} HTTP/1.1\r\nX-A: `);
    expect((await as('jane', path)).code).toBe(200);
    await closed;
    clearInterval(drip);
    expect(text).toMatch(/^HTTP\/1\.1 408/);
  });
});

const anyName = { name: 'sockets', singularName: 'socket', kind: 'Socket', namespaced: false, verbs: ['get', 'create'] };

describe('answers', () => {
  it('carry the audit id that kube-apiserver gave, or a new one', async () => {
    const { as } = await startServer();
    expect((await as('jane', path, { headers: { 'Audit-ID': 'abc-1' } })).headers['audit-id']).toBe('abc-1');
    expect((await as('jane', path, { headers: { 'Audit-ID': 'a b' } })).headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('are Status objects for every error, and say nothing of what failed inside', async () => {
    const { as } = await startServer();
    const conflict = await as('jane', `${prefix}/sockets/refused`);
    expect(conflict.headers['retry-after']).toBe('7');
    expect(conflict.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'not now',
      reason: 'Conflict',
      details: { name: 'refused', retryAfterSeconds: 7 },
      code: 409,
    });
    const broken = await as('jane', `${prefix}/sockets/broken`);
    expect(broken.json()).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(broken.body).not.toContain('sesame');
    expect((await as('jane', `${prefix}/none`)).json()).toMatchObject({ code: 404, reason: 'NotFound' });
    expect((await as('jane', `${prefix}/sockets/c/none`)).code).toBe(404);
    expect((await as('jane', '/none')).code).toBe(404);
    expect((await as('jane', `${prefix}/namespaces/n/things/t`, { method: 'DELETE' })).json()).toMatchObject({
      code: 405,
      reason: 'MethodNotAllowed',
    });
    expect((await as('jane', path, { method: 'PROPFIND' })).code).toBe(405);
    expect((await as('jane', '/apis', { headers: { Accept: 'application/vnd.kubernetes.protobuf' } })).json()).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
    });
  });

  it('refuse bodies that are too large, compressed, of another type, or no JSON', async () => {
    const router = express.Router();
    router.post('/sockets', async (request, response) => void response.json(await readJson(request, { limit: 10 })));
    const { as } = await startServer({ handlers: { handler: routed(router) } });
    const post = (body: string, headers: Record<string, string> = {}) =>
      as('jane', `${prefix}/sockets`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });
    expect((await post('{"a":1}')).body).toBe('{"a":1}');
    expect((await post('{"a":"0123456789"}')).json()).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    expect((await post('{"a":"0123456789"}', { 'Transfer-Encoding': 'chunked' })).code).toBe(413);
    expect((await post('a: 1', { 'Content-Type': 'application/yaml' })).json()).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
    });
    expect((await post('{}', { 'Content-Encoding': 'gzip' })).code).toBe(415);
    expect((await post('{')).json()).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  it('refuse a declared gigabyte before it is sent', async () => {
    const { server } = await startServer();
    const text = `POST ${prefix}/sockets HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n`;
    expect(summary(await exchange(server, text))).toEqual({ code: 413, answers: 1 });
  });

  it('reach a caller who still sends the body that was refused, and whose connection goes on', async () => {
    const { server, frontProxy } = await startServer();
    const size = 8_000_000;
    const user = ['Host: h', 'X-Remote-User: jane'];
    const socket = await rawConnection(server, frontProxy);
    let answer = '';
    socket.write(head([`POST ${prefix}/sockets HTTP/1.1`, ...user, `Content-Length: ${size}`], 'a'.repeat(size)));
    socket.write(head([`GET ${path} HTTP/1.1`, ...user, 'Connection: close']));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(socket, 'close');
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  it('are the last of a caller who never ends the body that was refused', async () => {
    const { server, frontProxy } = await startServer();
    const socket = await rawConnection(server, frontProxy);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    // What is still sent may meet a reset; that, too, is an end.
    const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
    const one = `1\r\na\r\n`;
    socket.write(head([`PATCH ${prefix}/none HTTP/1.1`, 'Host: h', 'X-Remote-User: jane', 'Transfer-Encoding: chunked'], one));
    const drip = setInterval(() => socket.write(one), 50);
    await closed.finally(() => clearInterval(drip));
    expect(text).toMatch(/^HTTP\/1\.1 404/);
  });

  it('come in time: a handler that does not is answered for', async () => {
    const { as } = await startServer({ config: { requestTimeout: 50 }, handlers: { handler: () => undefined } });
    expect((await as('jane', path)).json()).toMatchObject({ code: 504, reason: 'Timeout' });
  });
});

describe('limits', () => {
  it('refuse the flood of one user, serve another, and never refuse health', async () => {
    const gate = Promise.withResolvers<void>();
    const router = express.Router();
    router.use(async (_request, response) => {
      await gate.promise;
      response.json({});
    });
    const { as, call, metrics } = await startServer({
      config: { maxRequestsInflight: 8, maxRequestsInflightPerUser: 4 },
      handlers: { handler: routed(router) },
    });
    const held = Array.from({ length: 4 }, () => as('loud', path));
    const inFlight = async (): Promise<string> => metrics.registry.getSingleMetricAsString('apiserver_current_inflight_requests');
    while (!(await inFlight()).includes('request_kind="short"} 4')) await delay(5);
    const refused = await as('loud', path);
    expect([refused.code, refused.headers['retry-after']]).toEqual([429, '1']);
    const quiet = as('quiet', path);
    expect((await call('/livez')).code).toBe(200);
    gate.resolve();
    expect((await Promise.all([...held, quiet])).map(({ code }) => code)).toEqual([200, 200, 200, 200, 200]);
  });

  it('count watches apart from short requests, with no deadline', async () => {
    const router = express.Router();
    router.get('/sockets', async (request, response) => {
      if (request.kube.info.verb === 'watch') {
        response.write('{}\n');
        await once(request.kube.signal, 'abort');
        response.end();
      } else response.json({});
    });
    const { as, server } = await startServer({
      config: { maxRequestsInflight: 1, maxLongRunningRequests: 1, requestTimeout: 50 },
      handlers: { handler: routed(router) },
    });
    const watch = as('jane', `${prefix}/sockets?watch=1`);
    await delay(100);
    expect((await as('jane', `${prefix}/sockets`)).code).toBe(200);
    expect((await as('jane', `${prefix}/sockets?watch=1`)).code).toBe(429);
    await server.close();
    expect((await watch).body).toBe('{}\n');
  });
});

describe('metrics', () => {
  it('count by verb, resource and code, and let nobody make up series', async () => {
    const { as, call } = await startServer();
    await as('jane', path);
    await as('jane', '/apis/made.up/v1/names');
    await as('jane', '/made/up');
    await call(`${path}/%2e`);
    const { body } = await as('jane', '/metrics');
    const lines = body.split('\n').filter((line) => line.startsWith('apiserver_request_total'));
    expect(lines).toContain(
      'apiserver_request_total{verb="get",group="proxies.example.io",version="v1alpha1",resource="sockets",subresource="",code="200"} 1',
    );
    expect(body).not.toContain('made');
    expect(body).toContain('apiserver_request_duration_seconds_bucket');
  });
});

describe('upgrades', () => {
  const upgrade = (headers: string[] = [], to = `${path}/proxy/direct/a%2Fb//c?x=1`): string =>
    [`GET ${to} HTTP/1.1`, 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket', ...headers, '', ''].join('\r\n');
  const takeOver: UpgradeHandler = async (request, socket, head) => {
    if (request.kube.info.name === 'refused') throw new StatusError(503, 'no tunnel', { retryAfterSeconds: 2 });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.write(JSON.stringify({ user: request.kube.user, suffix: request.kube.info.rawSuffix }));
    socket.write(head);
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
  };
  const handlers = { upgrade: takeOver };

  it('reach their handler with the same identity and path as any request', async () => {
    const { server, frontProxy, cluster } = await startServer({ handlers });
    const socket = await rawConnection(server, frontProxy);
    socket.write(upgrade(['X-Remote-User: jane']) + 'ping');
    let text = '';
    while (!text.endsWith('ping')) text += String((await once(socket, 'data'))[0]);
    expect(text).toMatch(/^HTTP\/1\.1 101/);
    expect(text).toContain('"name":"jane"');
    expect(text).toContain('"suffix":"/direct/a%2Fb//c"');
    expect(cluster.reviews[0]?.spec.resourceAttributes).toMatchObject({ verb: 'get', subresource: 'proxy', name: 'c' });
  });

  it.each([
    ['a forged identity', upgrade(['X-Remote-User: admin']), 401],
    ['a wrong token', upgrade(['Authorization: Bearer bad']), 401],
    ['no right', upgrade(), 403],
    ['a body', upgrade(['Content-Length: 3']), 400],
    ['a step up', upgrade([], `${path}/proxy/../x`), 400],
    ['two upgrades', upgrade(['Upgrade: h2c']), 400],
  ])('are refused with a Status for %s', async (_what, text, code) => {
    const { server, cluster } = await startServer({ handlers });
    cluster.allow = () => false;
    const answer = await exchange(server, text);
    expect(summary(answer)).toEqual({ code, answers: 1 });
    expect(answer).toContain('"kind":"Status"');
    expect(answer).toMatch(/audit-id: /i);
  });

  it('are refused where nothing takes them, and with what the handler throws', async () => {
    const { server, cluster } = await startServer();
    cluster.tokens.set('good', { username: 'jane' });
    expect(summary(await exchange(server, upgrade(['Authorization: Bearer good']))).code).toBe(400);
    const second = await startServer({ handlers, cluster });
    const text = upgrade(['Authorization: Bearer good'], `${prefix}/sockets/refused/proxy`);
    const answer = await exchange(second.server, text);
    expect(summary(answer).code).toBe(503);
    expect(answer).toMatch(/Retry-After: 2/);
  });
});

describe('stopping', () => {
  it('fails readiness, takes no new connection, and lets what runs end', async () => {
    const gate = Promise.withResolvers<void>();
    const router = express.Router();
    router.get('/sockets/c', async (_request, response) => {
      await gate.promise;
      response.json({ done: true });
    });
    const { server, as, health, metrics } = await startServer({ handlers: { handler: routed(router) } });
    const running = as('jane', path);
    const inFlight = async (): Promise<string> => metrics.registry.getSingleMetricAsString('apiserver_current_inflight_requests');
    while (!(await inFlight()).includes('request_kind="short"} 1')) await delay(5);
    const closed = server.close();
    expect(health.ready().some(({ problem }) => problem !== undefined)).toBe(true);
    await expect(as('jane', path)).rejects.toThrow(/ECONNREFUSED/);
    gate.resolve();
    expect((await running).json()).toEqual({ done: true });
    await closed;
  });

  it('cuts upgraded connections at the end, after telling their handlers', async () => {
    let told = false;
    const upgrade: UpgradeHandler = (request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      request.kube.signal.addEventListener('abort', () => {
        told = true;
        socket.end('bye');
        socket.resume();
      });
    };
    const { server, frontProxy } = await startServer({ handlers: { upgrade } });
    const socket = await rawConnection(server, frontProxy);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(
      [`GET ${path}/proxy HTTP/1.1`, 'Host: h', 'X-Remote-User: jane', 'Connection: Upgrade', 'Upgrade: x', '', ''].join('\r\n'),
    );
    while (!text.includes('101')) await delay(5);
    await server.close();
    expect(told).toBe(true);
    expect(text).toMatch(/bye$/);
  });
});

describe('the key exchange of TLS', () => {
  const agree = async (server: { port: number }, ecdhCurve: string): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ecdhCurve });
    await once(socket, 'secureConnect');
    socket.destroy();
  };

  it('is X25519 or on a curve of NIST, unless others are preferred', async () => {
    const { server } = await startServer();
    await agree(server, 'X25519');
    await agree(server, 'P-256');
    await expect(agree(server, 'X25519MLKEM768')).rejects.toThrow(/handshake failure/);
    const hybrid = await startServer({ config: { tlsCurvePreferences: ['X25519MLKEM768'] } });
    await agree(hybrid.server, 'X25519MLKEM768');
    await expect(agree(hybrid.server, 'X25519')).rejects.toThrow(/handshake failure/);
  });
});

describe('the protocol that TLS agrees on', () => {
  const agreed = async (ALPNProtocols?: string[]): Promise<string | false | null> => {
    const { server } = await startServer();
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols });
    await once(socket, 'secureConnect');
    const { alpnProtocol } = socket;
    socket.destroy();
    return alpnProtocol;
  };

  it('is HTTP/1.1, which who does not ask gets too; who offers HTTP/2 alone is refused', async () => {
    expect(await agreed(['h2', 'http/1.1'])).toBe('http/1.1');
    expect(await agreed()).toBe(false);
    await expect(agreed(['h2'])).rejects.toThrow(/no application protocol/);
  });
});
