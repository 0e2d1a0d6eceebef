// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { gzipSync } from 'node:zlib';
import { describe, expect, it, jest } from '@jest/globals';
import { isForbidden, isNotFound, isTooManyRequests } from './apiError.ts';
import { ClientClosedError, ConnectionError } from './connectionError.ts';
import { core } from './core.ts';
import { KubeClient, type RequestInfo } from './kubeClient.ts';
import { json, refuse, TestServer } from './testing/testServer.ts';

const get = { method: 'GET', path: '/api/v1/namespaces/a/pods/b' };
const secret = 'very-secret-token';

function connect(server: { url: string }, o: { qps?: number; burst?: number } = {}): KubeClient {
  return KubeClient.fromOptions({ server: server.url, token: secret, ...o });
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

describe('connections', () => {
  it('are kept and used again', async () => {
    await using server = await TestServer.start((_, s) => json(s, {}));
    await using client = connect(server);
    for (let i = 0; i < 20; i++) await client.request(get);
    expect(server.requests).toHaveLength(20);
    // One may still be settling when the next request goes out.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('are bounded, while everything is answered', async () => {
    await using server = await TestServer.start((_, s) => void setTimeout(() => json(s, {}), 5));
    await using client = connect(server);
    await Promise.all(Array.from({ length: 300 }, () => client.request(get)));
    expect(server.requests).toHaveLength(300);
    expect(server.connections).toBeLessThanOrEqual(64);
  });

  it('of watches leave room for requests', async () => {
    await using server = await TestServer.start((q, s) =>
      q.url.includes('watch=true') ? void s.writeHead(200).flushHeaders() : json(s, {}),
    );
    await using client = connect(server);
    const abort = new AbortController();
    const watches = Array.from({ length: 80 }, async () => {
      for await (const event of client.resource(core.pods).watch({ signal: abort.signal })) expect(event).toBeUndefined();
    });
    await client.request(get);
    abort.abort();
    await Promise.all(watches);
  });
});

describe('requests', () => {
  it('carry credentials, user agent, accept and a JSON body', async () => {
    await using server = await TestServer.start((_, s) => json(s, { ok: true }));
    await using client = KubeClient.fromOptions({ server: `${server.url}/clusters/c1/`, token: secret, userAgent: 'tester/1' });
    expect(client.server).toBe(`${server.url}/clusters/c1`);
    const answer = await client.request({
      method: 'PUT',
      path: '/x',
      query: { dryRun: 'All', skip: undefined },
      body: { a: 'ü' },
    });
    expect(answer).toEqual({ ok: true });
    expect(server.requests[0]).toMatchObject({
      method: 'PUT',
      url: '/clusters/c1/x?dryRun=All',
      body: '{"a":"ü"}',
      headers: {
        authorization: `Bearer ${secret}`,
        'user-agent': 'tester/1',
        accept: 'application/json',
        'content-type': 'application/json',
      },
    });
  });

  it('cannot replace the credential by a header, whatever its case', async () => {
    await using server = await TestServer.start((_, s) => json(s, {}));
    await using client = connect(server);
    await client.request({ ...get, headers: { Authorization: 'Bearer other', Accept: 'text/plain' } });
    expect(server.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${secret}`, accept: 'text/plain' });
  });

  it('take compressed answers', async () => {
    const items = Array.from({ length: 5000 }, (_, i) => ({ metadata: { name: `pod-${i}-ü` } }));
    await using server = await TestServer.start((q, s) => {
      expect(q.headers['accept-encoding']).toBe('gzip');
      s.writeHead(200, { 'content-encoding': 'gzip' }).end(
        gzipSync(JSON.stringify({ metadata: { resourceVersion: '7' }, items })),
      );
    });
    await using client = connect(server);
    const list = await client.resource(core.pods).list({ namespace: 'a', limit: 5000 });
    expect(list.items).toHaveLength(5000);
    expect(list.items[4999]).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod-4999-ü' } });
    expect(server.requests[0]?.url).toBe('/api/v1/namespaces/a/pods?limit=5000');
  });

  it('are reported to onRequest, with resources and never names', async () => {
    await using server = await TestServer.start((q, s) => (q.method === 'GET' ? json(s, {}) : refuse(s, 409, 'Conflict')));
    await using client = connect(server);
    const seen: Omit<RequestInfo, 'durationMs'>[] = [];
    client.onRequest = ({ durationMs, ...info }) => {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      seen.push(info);
    };
    await client.request(get);
    await failureOf(client.request({ ...get, method: 'PATCH' }));
    expect(seen).toEqual([
      { method: 'GET', resource: 'pods', code: 200 },
      { method: 'PATCH', resource: 'pods', code: 409 },
    ]);
  });

  it('wait for the rate limit', async () => {
    await using server = await TestServer.start((_, s) => json(s, {}));
    await using client = connect(server, { qps: 0.001, burst: 2 });
    await Promise.all([client.request(get), client.request(get)]);
    const abort = new AbortController();
    const third = failureOf(client.request({ ...get, signal: abort.signal }));
    abort.abort(new Error('waited long enough'));
    expect((await third).message).toBe('waited long enough');
    expect(server.requests).toHaveLength(2);
  });

  it('never follow a redirect', async () => {
    await using other = await TestServer.start((_, s) => json(s, {}));
    await using server = await TestServer.start((_, s) => void s.writeHead(302, { location: other.url }).end());
    await using client = connect(server);
    expect(await failureOf(client.request(get))).toMatchObject({ name: 'ApiError', status: 302 });
    expect(other.requests).toHaveLength(0);
  });
});

describe('refusals', () => {
  it('become ApiError with the words of the server', async () => {
    await using server = await TestServer.start((_, s) => refuse(s, 403, 'Forbidden', { message: 'pods "b" is forbidden' }));
    await using client = connect(server);
    const error = await failureOf(client.request(get));
    expect(isForbidden(error)).toBe(true);
    expect(error.message).toBe('pods "b" is forbidden');
  });

  it('are undefined for find, success for delete and an error for get when the object is not there', async () => {
    await using server = await TestServer.start((_, s) => refuse(s, 404, 'NotFound'));
    await using client = connect(server);
    const pods = client.resource(core.pods);
    const ref = { name: 'b', namespace: 'a' };
    expect(await pods.find(ref)).toBeUndefined();
    await pods.delete(ref);
    expect(isNotFound(await failureOf(pods.get(ref)))).toBe(true);
  });

  it('are an ApiError too when the answer is no JSON', async () => {
    await using server = await TestServer.start((_, s) => void s.end('<html>login</html>'));
    await using client = connect(server);
    expect((await failureOf(client.request(get))).message).toContain('is it an API server?');
  });

  it('are text for text()', async () => {
    await using server = await TestServer.start((_, s) => void s.writeHead(500).end('[-]etcd failed'));
    await using client = connect(server);
    expect(await client.text({ method: 'GET', path: '/readyz' })).toEqual({ status: 500, body: '[-]etcd failed' });
  });
});

describe('repetition', () => {
  it('follows Retry-After of 429 and 503, for writes too', async () => {
    let n = 0;
    await using server = await TestServer.start((_, s) => {
      n += 1;
      if (n < 3) refuse(s, n === 1 ? 429 : 503, 'TooManyRequests', { headers: { 'retry-after': '0' } });
      else json(s, { done: true }, 201);
    });
    await using client = connect(server);
    expect(await client.request({ method: 'POST', path: '/x', body: { a: 1 } })).toEqual({ done: true });
    expect(server.requests.map((r) => r.body)).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  });

  it('does not wait for a Retry-After beyond the time limit', async () => {
    await using server = await TestServer.start((_, s) =>
      refuse(s, 429, 'TooManyRequests', { headers: { 'retry-after': '3600' } }),
    );
    await using client = connect(server);
    const error = await failureOf(client.request(get));
    expect(isTooManyRequests(error) && error.retryAfterSeconds).toBe(3600);
    expect(server.requests).toHaveLength(1);
  });

  it('repeats a GET whose connection broke, but not a POST', async () => {
    let n = 0;
    await using server = await TestServer.start((q, s) => {
      n += 1;
      if (n % 2 === 1) q.socket.destroy();
      else json(s, {});
    });
    await using client = connect(server);
    await client.request(get);
    expect(server.requests).toHaveLength(2);
    const error = await failureOf(client.request({ method: 'POST', path: '/x', body: {} }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ sent: true });
    expect(server.requests).toHaveLength(3);
  });

  it('repeats even a POST that found no server', async () => {
    const gone = await TestServer.start((_, s) => json(s, {}));
    const { port, url } = gone;
    await gone[Symbol.asyncDispose]();
    await using client = connect({ url });
    const answer = client.request({ method: 'POST', path: '/x', body: {} });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await using server = await TestServer.start((_, s) => json(s, { up: true }), { port });
    expect(await answer).toEqual({ up: true });
    expect(server.requests).toHaveLength(1);
  });
});

describe('failures of the network', () => {
  it('name the server and what to check, and no secret', async () => {
    const gone = await TestServer.start((_, s) => json(s, {}));
    await gone[Symbol.asyncDispose]().catch(() => undefined);
    await using client = KubeClient.fromOptions({ server: 'https://127.0.0.1:1', token: secret });
    const error = await failureOf(client.request({ ...get, query: { watch: secret } }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toBe(
      'GET https://127.0.0.1:1/api/v1/namespaces/a/pods/b: connection refused: is the API server running and the address right?',
    );
    expect(error).toMatchObject({ code: 'ECONNREFUSED', sent: false, cause: { code: 'ECONNREFUSED' } });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
  });

  it('include a server that says nothing for too long', async () => {
    await using server = await TestServer.start(() => undefined);
    await using client = connect(server);
    const error = await failureOf(client.request({ ...get, timeoutMs: 50 }));
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'TIMEOUT' });
    expect(error.message).toContain('waited 0.05 s');
  });

  it('include an answer that stops in the middle', async () => {
    await using server = await TestServer.start((_, s) => void s.writeHead(200, { 'content-length': '100' }).write('{"a":'));
    await using client = connect(server);
    expect(await failureOf(client.request({ ...get, timeoutMs: 50 }))).toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('abort and close', () => {
  it('repeat nothing under a signal that is over by the clock, before its event came', async () => {
    let over = false;
    const signal = Object.defineProperty(new AbortController().signal, 'aborted', { get: () => over });
    await using server = await TestServer.start((_, s) => {
      over = true;
      refuse(s, 429, 'TooManyRequests', { headers: { 'retry-after': '0' } });
    });
    await using client = connect(server);
    expect((await failureOf(client.request({ ...get, signal }))).message).toBe('the request was aborted');
    expect(server.requests).toHaveLength(1);
  });

  it('end a request with the reason of the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('not needed any more');
    await using server = await TestServer.start(() => abort.abort(reason));
    await using client = connect(server);
    expect(await failureOf(client.request({ ...get, signal: abort.signal }))).toBe(reason);
    expect(await failureOf(client.request({ ...get, signal: abort.signal }))).toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  it('end the wait before a repetition', async () => {
    const abort = new AbortController();
    await using server = await TestServer.start((_, s) => {
      refuse(s, 429, 'TooManyRequests', { headers: { 'retry-after': '20' } });
      setTimeout(() => abort.abort(), 20);
    });
    await using client = connect(server);
    expect(await failureOf(client.request({ ...get, signal: abort.signal }))).toMatchObject({ name: 'AbortError' });
  });

  it('leave nothing behind on a signal that lives on', async () => {
    await using server = await TestServer.start((_, s) => json(s, {}));
    await using client = connect(server);
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    await client.request({ ...get, signal });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove.mock.calls).toEqual(add.mock.calls);
  });

  it('close() ends requests, queued ones and watches', async () => {
    const client = connect({ url: 'http://127.0.0.1:1' });
    await client.close();
    expect(await failureOf(client.request(get))).toBeInstanceOf(ClientClosedError);

    await using server = await TestServer.start((q, s) => void (q.url.includes('watch') && s.writeHead(200).flushHeaders()));
    const busy = connect(server);
    const requests = Array.from({ length: 100 }, () => failureOf(busy.request(get)));
    const watch = (async () => {
      for await (const event of busy.resource(core.pods).watch({ signal: new AbortController().signal }))
        expect(event).toBeUndefined();
    })();
    while (server.requests.length < 65) await new Promise((resolve) => setTimeout(resolve, 5));
    await busy.close();
    await busy.close();
    for (const error of await Promise.all(requests)) expect(error).toBeInstanceOf(ClientClosedError);
    await watch;
  });
});
