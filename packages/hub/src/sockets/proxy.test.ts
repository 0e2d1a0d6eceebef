// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { CertificateAuthority } from '@clusternet/pki';
import { clusterId, proxyPath, type Received, SocketsBed } from '../testing/socketsBed.ts';

const direct = `${proxyPath}/direct`;
const withToken = { 'X-Remote-Extra-Clusternet-Token': 'child-token' };

let bed: SocketsBed;
afterEach(async () => {
  await bed[Symbol.asyncDispose]();
});

async function start(o: Parameters<typeof SocketsBed.start>[0] = {}): Promise<SocketsBed> {
  bed = await SocketsBed.start(o);
  return bed.withAgent();
}

function namesOf({ rawHeaders }: Received): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
}

async function noStreams(): Promise<void> {
  while ((bed.registry.get(clusterId)?.tunnel.streams ?? 0) > 0) await delay(5);
}

describe('a proxied request', () => {
  it('reaches the API server of the child as it came, with its Host and the address it came from', async () => {
    await start();
    const answer = await bed.as('clusternet', `${direct}/api/v1/a%2Fb//c?x=%2F&x=2&flag`, {
      headers: { ...withToken, 'X-Forwarded-For': '192.0.2.7', 'User-Agent': 'kubectl', 'X-Custom': ['a', 'b'] },
    });
    expect(answer).toMatchObject({ code: 200, body: '{"kind":"Ok"}' });
    const [seen] = bed.received;
    expect(seen).toMatchObject({ method: 'GET', url: '/api/v1/a%2Fb//c?x=%2F&x=2&flag' });
    expect(seen?.headers).toMatchObject({
      host: 'child.example:6443',
      authorization: 'Bearer child-token',
      'x-forwarded-for': '192.0.2.7, 127.0.0.1',
      'user-agent': 'kubectl',
      'x-custom': 'a, b',
    });
    expect(seen?.rawHeaders).not.toContain('X-Remote-User');
  });

  it.each(['', '/'])('without a path (%j) is one for /, not a redirect', async (path) => {
    await start();
    expect((await bed.as('clusternet', direct + path)).code).toBe(200);
    expect(bed.received[0]?.url).toBe('/');
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('may be a %s', async (method) => {
    await start();
    bed.onRequest = (_request, response, body) => response.writeHead(201, { 'X-Body': body }).end('made');
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : `{"of":"${method}"}`;
    const answer = await bed.as('clusternet', `${direct}/api`, { method, body });
    expect(answer).toMatchObject({ code: 201, body: 'made' });
    expect(bed.received[0]).toMatchObject({ method, body: body ?? '' });
  });

  it.each(['GET', 'POST', 'DELETE'])('may be a %s that says that it has no body, or sends one in chunks', async (method) => {
    await start();
    const empty = await bed.as('clusternet', `${direct}/api`, { method, headers: { 'Content-Length': '0' } });
    expect(empty.code).toBe(200);
    const request = httpsRequest(
      bed.options('clusternet', `${direct}/api`, { method, headers: { 'Transfer-Encoding': 'chunked' } }),
    );
    request.write('one ');
    request.end('two');
    await once(request, 'response');
    expect(bed.received.map(({ body }) => body)).toEqual(['', 'one two']);
  });

  it.each<[string, number, string | undefined]>([
    ['GET', 503, '1'],
    ['POST', 502, undefined],
  ])('that is a %s is answered with %d when its connection breaks: it may have been done', async (method, code, retryAfter) => {
    await start();
    bed.onRequest = (request) => request.socket.destroy();
    const answer = await bed.as('clusternet', `${direct}/api`, { method, body: method === 'POST' ? '{}' : undefined });
    expect(answer.code).toBe(code);
    expect(answer.headers['retry-after']).toBe(retryAfter);
  });

  it('may ask for the head only, and for nothing', async () => {
    await start();
    bed.onRequest = ({ method }, response) => response.writeHead(method === 'HEAD' ? 200 : 204, { 'X-Is': 'there' }).end();
    expect(await bed.as('clusternet', `${direct}/api`, { method: 'HEAD' })).toMatchObject({ code: 200, body: '' });
    expect(await bed.as('clusternet', `${direct}/api`, { method: 'DELETE' })).toMatchObject({ code: 204, body: '' });
  });

  it('streams its body and its answer, and holds neither', async () => {
    await start();
    const size = 24 * 1024 * 1024;
    bed.onRequest = (_request, response, body) => {
      response.setHeader('Content-Type', 'text/plain');
      for (let sent = 0; sent < size; sent += 1 << 20) response.write(Buffer.alloc(1 << 20, 'x'));
      response.end(String(body.length));
    };
    const answer = await bed.as('clusternet', `${direct}/list`, { method: 'POST', body: Buffer.alloc(size, 'y') });
    expect(answer.body.length).toBe(size + String(size).length);
    expect(answer.body.endsWith(String(size))).toBe(true);
  });

  it('passes errors of the child on as they are, and follows no redirect', async () => {
    await start();
    bed.onRequest = (_request, response) => response.writeHead(302, { Location: 'https://evil.example/' }).end('gone');
    expect(await bed.as('clusternet', `${direct}/x`, { headers: withToken })).toMatchObject({ code: 302, body: 'gone' });
    bed.onRequest = (_request, response) =>
      response.writeHead(403, { 'Content-Type': 'application/json' }).end('{"kind":"Status"}');
    expect(await bed.as('clusternet', `${direct}/x`)).toMatchObject({ code: 403, body: '{"kind":"Status"}' });
    expect(bed.received).toHaveLength(2);
  });

  it('shares connections with others, whatever their tokens; a client certificate never', async () => {
    const clientCa = await CertificateAuthority.create('child-clients');
    await start({ clientCa });
    const extras = async (name: string) => {
      const { cert, key } = await clientCa.issue(name);
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      return { 'X-Remote-Extra-Clusternet-Certificate': base64(cert), 'X-Remote-Extra-Clusternet-PrivateKey': base64(key) };
    };
    const [anna, bert] = await Promise.all([extras('anna'), extras('bert')]);
    for (const headers of [withToken, anna, bert, {}, anna, { 'X-Remote-Extra-Clusternet-Token': 'other' }, bert]) {
      expect((await bed.as('clusternet', `${direct}/api`, { headers })).code).toBe(200);
    }
    expect(bed.received.map(({ clientName, headers }) => [clientName, headers.authorization])).toEqual([
      [undefined, 'Bearer child-token'],
      ['anna', undefined],
      ['bert', undefined],
      [undefined, undefined],
      ['anna', undefined],
      [undefined, 'Bearer other'],
      ['bert', undefined],
    ]);
    expect(bed.dialled).toBe(3);
    expect(bed.connections.size).toBe(3);
  });

  it('ends at the child when the caller goes', async () => {
    await start();
    const gone = Promise.withResolvers<void>();
    bed.onRequest = (request, response) => {
      response.writeHead(200).write('a line\n');
      request.socket.on('close', () => gone.resolve());
    };
    const request = httpsRequest(bed.options('clusternet', `${direct}/watch?watch=true`));
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    await once(response, 'data');
    request.destroy();
    await gone.promise;
    await noStreams();
  });

  it('sends the head of a silent answer at once', async () => {
    await start();
    bed.onRequest = (_request, response) => response.writeHead(200, { 'X-Watch': 'begun' }).flushHeaders();
    const request = httpsRequest(bed.options('clusternet', `${direct}/watch`));
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [{ headers: Record<string, string> }];
    expect(response.headers['x-watch']).toBe('begun');
    request.destroy();
  });

  it('breaks off visibly when the tunnel does, and the next ones are told to come again', async () => {
    bed = await SocketsBed.start();
    const agent = bed.agent();
    await bed.connected();
    bed.onRequest = (_request, response) => response.writeHead(200).write('half');
    const request = httpsRequest(bed.options('clusternet', `${direct}/watch`));
    request.end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    const failed = once(response, 'error');
    response.resume();
    await agent.close();
    expect(((await failed)[0] as { code: string }).code).toBe('ECONNRESET');
    while (bed.registry.get(clusterId)) await delay(2);
    const answer = await bed.as('clusternet', `${direct}/api`);
    expect(answer.code).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable' });
  });

  it('is bounded for each user', async () => {
    await start({ maxPerUser: 2 });
    bed.onRequest = (_request, response) => response.writeHead(200).write('begun');
    const held = [1, 2].map(() => httpsRequest(bed.options('greedy', `${direct}/watch`)));
    await Promise.all(
      held.map((request) => {
        request.on('error', () => undefined).end();
        return once(request, 'response');
      }),
    );
    expect((await bed.as('greedy', `${direct}/api`)).code).toBe(429);
    bed.onRequest = (_request, response) => response.end('ok');
    expect((await bed.as('modest', `${direct}/api`)).code).toBe(200);
    for (const request of held) request.destroy();
    while ((await bed.as('greedy', `${direct}/api`)).code !== 200) await delay(5);
  });
});

describe('a request that cannot be passed on', () => {
  it.each([
    ['an unknown cluster', `${proxyPath.replace(clusterId, 'nobody')}/direct/`, 400],
    ['an unknown form', `${proxyPath}/ftp/host/`, 400],
    ['a target that the agent does not allow', `${proxyPath}/http/169.254.169.254/latest`, 403],
    ['steps up', `${proxyPath}/direct/../../x`, 400],
    ['escaped steps up', `${proxyPath}/direct/%2e%2e/x`, 400],
    ['an escaped control character', `${proxyPath}/direct/%00`, 400],
  ])('for %s', async (_what, path, code) => {
    await start();
    expect((await bed.as('clusternet', path)).code).toBe(code);
    expect(bed.received).toEqual([]);
  });

  it('because the certificate is for another name, or of another authority', async () => {
    await start({ childName: 'another.example' });
    const answer = await bed.as('clusternet', `${direct}/api`, { headers: withToken });
    expect(answer.code).toBe(502);
    expect(answer.body).toContain('certificate');
    const other = await CertificateAuthority.create('other');
    const { cluster } = bed.clusters;
    if (cluster?.status) {
      cluster.status = { ...cluster.status, apiserverTLSServerName: 'another.example' };
      expect((await bed.as('clusternet', `${direct}/api`, { headers: withToken })).code).toBe(200);
      cluster.status = { ...cluster.status, apiserverCABundle: Buffer.from(other.cert).toString('base64') };
    }
    expect((await bed.as('clusternet', `${direct}/api`, { headers: withToken })).code).toBe(502);
    expect(bed.received).toHaveLength(1);
  });

  it('because the API server of the child is down', async () => {
    bed = await SocketsBed.start();
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    bed.agent({ onStream: () => Promise.reject(refused) });
    await bed.connected();
    const answer = await bed.as('clusternet', `${direct}/api`);
    expect(answer.code).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
  });
});

describe('an upgrade', () => {
  async function webSocket(path = `${direct}/api/v1/namespaces/a/pods/b/exec?command=sh`): Promise<WebSocket> {
    const { headers, ...tls } = bed.options('clusternet', '', { headers: withToken });
    const socket = new WebSocket(`wss://127.0.0.1:${bed.port}${path}`, ['v5.channel.k8s.io'], {
      ...tls,
      headers: headers as Record<string, string>,
    });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return socket;
  }

  function echoing(): WebSocketServer {
    const server = new WebSocketServer({ noServer: true });
    bed.onUpgrade = (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (webSocket) => webSocket.on('message', (data) => webSocket.send(data)));
    return server;
  }

  it('to WebSocket carries bytes both ways and closes in order', async () => {
    await start();
    echoing();
    const socket = await webSocket();
    expect(socket.protocol).toBe('v5.channel.k8s.io');
    const large = Buffer.alloc(3 * 1024 * 1024, 'z');
    socket.send(large);
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.equals(large)).toBe(true);
    expect(bed.received[0]?.headers).toMatchObject({ authorization: 'Bearer child-token', upgrade: 'websocket' });
    socket.close(1000, 'done');
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1000);
    await noStreams();
  });

  it('to SPDY is passed on with what followed it at once', async () => {
    await start();
    bed.onUpgrade = (request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n',
      );
      socket.pipe(socket);
      expect(request.headers['x-stream-protocol-version']).toBe('v4.channel.k8s.io');
    };
    const socket = await raw();
    socket.write(
      [
        `POST ${direct}/api/v1/namespaces/a/pods/b/portforward HTTP/1.1`,
        'Host: hub',
        'X-Remote-User: clusternet',
        'Connection: Upgrade, X-Remote-Group',
        'Upgrade: SPDY/3.1',
        'X-Stream-Protocol-Version: v4.channel.k8s.io',
        'Content-Length: 0',
        '',
        'early bytes',
      ].join('\r\n'),
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    while (!text.endsWith('early bytes')) await delay(2);
    expect(text).toContain('HTTP/1.1 101 Switching Protocols\r\n');
    expect(text).toContain('Upgrade: SPDY/3.1\r\n');
    socket.end();
    await once(socket, 'close');
    await noStreams();
  });

  it('that the child refuses gets its answer', async () => {
    await start();
    bed.onUpgrade = (_request, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"kind":"Status"}');
    const { headers, ...tls } = bed.options('clusternet', '');
    const socket = new WebSocket(`wss://127.0.0.1:${bed.port}${direct}/exec`, {
      ...tls,
      headers: headers as Record<string, string>,
    });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, NodeJS.ReadableStream & { statusCode: number }];
    expect(response.statusCode).toBe(403);
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(text).toBe('{"kind":"Status"}');
    await noStreams();
  });

  it.each(['the caller', 'the child', 'the tunnel'])('ends everywhere when %s goes', async (who) => {
    bed = await SocketsBed.start();
    const agent = bed.agent();
    await bed.connected();
    const server = echoing();
    const socket = await webSocket();
    const [atChild] = [...server.clients];
    const ends = [once(socket, 'close'), new Promise((resolve) => atChild?.on('close', resolve))];
    if (who === 'the caller') socket.terminate();
    else if (who === 'the child') atChild?.terminate();
    else await agent.close();
    await Promise.all(ends);
    await noStreams();
  });

  it('leaves nothing, however often and in whatever way it ended', async () => {
    await start();
    const server = echoing();
    const openConnections = (): Promise<number> =>
      new Promise((resolve) => bed.child.getConnections((_error, count) => resolve(count)));
    for (let cycle = 0; cycle < 60; cycle++) {
      const socket = await webSocket();
      const [atChild] = [...server.clients];
      const ended = Promise.all([once(socket, 'close'), new Promise((resolve) => atChild?.on('close', resolve))]);
      if (cycle % 4 === 0) socket.terminate();
      else if (cycle % 4 === 1) atChild?.terminate();
      else if (cycle % 4 === 2) socket.close();
      else await bed.registry.get(clusterId)?.tunnel.close('cut');
      await ended;
      await bed.connected();
    }
    await noStreams();
    while ((await openConnections()) > 0) await delay(5);
    expect(bed.registry.list()).toHaveLength(1);
    const text = await bed.metrics.registry.metrics();
    expect(text).toContain('clusternet_socket_streams 0');
  });

  it('without a tunnel is told to come again', async () => {
    bed = await SocketsBed.start();
    const socket = await raw();
    socket.write(
      `GET ${direct}/exec HTTP/1.1\r\nHost: hub\r\nX-Remote-User: clusternet\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).toContain('Retry-After: 1');
  });

  async function raw(): Promise<TLSSocket> {
    const { frontProxy: pair } = bed;
    const socket = connect({ ...pair, port: bed.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  }
});

describe('headers', () => {
  const attacks: Record<string, string | string[]> = {
    'X-Remote-Extra-Scopes': 'everything',
    X_Remote_User: 'admin',
    Impersonate_User: 'admin',
    'Clusternet-Anything': 'x',
    TE: 'trailers',
    'Proxy-Authorization': 'Basic Zm9v',
    'Keep-Alive': 'timeout=1',
    'X-Dropped': 'because Connection names it',
    Connection: 'keep-alive, X-Dropped, Authorization',
  };

  it('that say who one is, or belong to the connection, never reach the child', async () => {
    await start();
    await bed.as('clusternet', `${direct}/api`, { headers: { ...attacks, ...withToken } });
    const [seen] = bed.received;
    expect(
      seen &&
        namesOf(seen)
          .filter((name) => name !== 'connection')
          .sort(),
    ).toEqual(['authorization', 'host', 'x-forwarded-for']);
    expect(seen?.headers.connection).toBe('keep-alive');
  });

  it.each([
    ['Impersonate-User', 'admin', 400],
    ['Authorization', 'Bearer stolen', 200],
  ])('of the caller own identity (%s) are refused or replaced', async (name, value, code) => {
    await start();
    expect((await bed.as('clusternet', `${direct}/api`, { headers: { [name]: value } })).code).toBe(code);
    expect(bed.received.map(({ headers }) => headers.authorization)).toEqual(code === 200 ? [undefined] : []);
  });
});
