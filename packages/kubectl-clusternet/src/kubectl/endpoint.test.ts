// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { type Socket } from 'node:net';
import { rewriteForShadow } from '@clusternet/client';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StubApiServer } from '../testing/stubApiServer.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';

let parent: StubApiServer;
let endpoint: Endpoint;

function configOf(text: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(text);
  return config;
}

beforeEach(async () => {
  parent = await StubApiServer.start();
  endpoint = await startEndpoint({
    target: configOf(parent.kubeconfig({ path: '/base', user: { token: 'parent-token\n' } })),
    rewrite: (path) => rewriteForShadow(path),
  });
});

afterEach(async () => {
  await endpoint.close();
  await parent[Symbol.asyncDispose]();
});

describe('an endpoint', () => {
  it('brings requests with the login and rewritten paths to the parent, over kept connections', async () => {
    const url = `${endpoint.url}/apis/apps/v1/namespaces/shop/deployments?dryRun=All`;
    const headers = { authorization: 'Bearer mine', 'impersonate-user': 'system:admin', 'content-type': 'application/yaml' };
    for (let i = 0; i < 3; i++) await (await fetch(url, { method: 'POST', body: 'kind: Deployment', headers })).text();
    expect(parent.received).toHaveLength(3);
    const [first] = parent.received;
    expect(first?.line).toBe('POST /base/apis/shadow/v1alpha1/namespaces/shop/deployments?dryRun=All');
    expect(first?.body).toBe('kind: Deployment');
    expect(first?.headers).toMatchObject({ authorization: 'Bearer parent-token', 'content-type': 'application/yaml' });
    expect(first?.headers).not.toHaveProperty('impersonate-user');
    expect(parent.connections).toBe(1);
  });

  it('serves nobody who does not know the secret', async () => {
    const { origin } = new URL(endpoint.url);
    const others = ['/api', '/', `/${'0'.repeat(64)}/api`, `${new URL(endpoint.url).pathname}x/api`];
    for (const path of others) expect((await fetch(origin + path)).status).toBe(403);
    expect(parent.received).toEqual([]);
    expect(endpoint.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}$/);
  });

  it('passes on answers of any status as they are', async () => {
    parent.handler = (_request, response) => response.writeHead(409, { 'x-reason': 'old' }).end('{"kind":"Status"}');
    const answer = await fetch(`${endpoint.url}/api/v1/namespaces/a/secrets/s`, { method: 'PUT', body: '{}' });
    expect([answer.status, answer.headers.get('x-reason'), await answer.text()]).toEqual([409, 'old', '{"kind":"Status"}']);
  });

  it('passes on a watch as it comes, and ends it at both ends', async () => {
    const ended = new Promise((resolve) => {
      parent.handler = (_request, response) => {
        response.on('close', () => resolve('ended'));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        setTimeout(() => response.write('{"type":"ADDED"}\n'), 20);
      };
    });
    const stop = new AbortController();
    const answer = await fetch(`${endpoint.url}/api/v1/pods?watch=true`, { signal: stop.signal });
    const reader = answer.body?.getReader();
    const value = (await reader?.read())?.value as Uint8Array | undefined;
    expect(Buffer.from(value ?? []).toString()).toBe('{"type":"ADDED"}\n');
    stop.abort();
    await expect(ended).resolves.toBe('ended');
  });

  it('passes on upgrades, both ways', async () => {
    parent.onUpgrade = (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream: yes\r\n\r\nhello ');
      socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    };
    const request = httpRequest(`${endpoint.url}/api/v1/namespaces/a/pods/p/exec?command=sh`, {
      method: 'POST',
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' },
    }).end();
    const [answer, socket, head] = (await once(request, 'upgrade')) as [{ headers: Record<string, string> }, Socket, Buffer];
    expect(answer.headers).toMatchObject({ upgrade: 'SPDY/3.1', 'x-stream': 'yes' });
    let text = head.toString();
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write('abc');
    while (text !== 'hello ABC') await once(socket, 'data');
    expect(parent.received[0]?.headers).toMatchObject({ authorization: 'Bearer parent-token', upgrade: 'SPDY/3.1' });
    socket.destroy();
  });

  it('passes on why there is no upgrade', async () => {
    parent.onUpgrade = (_request, socket) =>
      socket.end(
        'HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"code":"no-go"}'.slice(0, -1),
      );
    const request = httpRequest(`${endpoint.url}/api/v1/namespaces/a/pods/p/exec`, {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    }).end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const body = (await answer.toArray()).join('');
    expect([answer.statusCode, body]).toEqual([403, '{"code":"no-go"']);
  });
});

it('tells that the parent cannot be reached, and says so to the caller', async () => {
  const config = configOf(parent.kubeconfig());
  await parent[Symbol.asyncDispose]();
  parent = await StubApiServer.start();
  const told: Error[] = [];
  await using other = await startEndpoint({ target: config, onUnreachable: (error) => told.push(error) });
  const answer = await fetch(`${other.url}/api`);
  expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
    503,
    expect.stringContaining('ECONNREFUSED'),
  ]);
  await (await fetch(`${other.url}/api`)).text();
  expect(told).toHaveLength(1);
});
