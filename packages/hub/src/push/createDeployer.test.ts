// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Description, type HelmRelease } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import { type HelmEngine } from '@clusternet/deployer';
import { type EventRecorder, guardedSignal, type Informer, Metrics, silentLogger } from '@clusternet/runtime';
import { deployerFactory } from './createDeployer.ts';

const namespace = 'clusternet-abcde';
const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const description = {
  metadata: { name: 'app-x2x4z-generic', namespace, uid: 'u', generation: 1 },
  spec: { deployer: 'Generic', raw: [Buffer.from(JSON.stringify(object)).toString('base64')] },
} as Description;
const descriptions = {
  onChange: (handler: (change: object) => void) => {
    handler({ type: 'added', object: description });
    return () => undefined;
  },
  waitForSync: async () => undefined,
  get: () => description,
} as unknown as Informer<Description>;

const releases = {
  onChange: () => () => undefined,
  waitForSync: async () => undefined,
  list: () => [],
} as unknown as Informer<HelmRelease>;
const helm = { pool: {}, charts: {} } as unknown as HelmEngine;

let asked: (() => void) | undefined;
let requests: string[];
// Stands for parent and child; that it knows nothing is answer enough.
const server = createServer((request, response) => {
  requests.push(request.url ?? '');
  asked?.();
  response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
});
beforeEach(() => {
  requests = [];
});

function make(signal: AbortSignal, metrics: Metrics) {
  const parent = KubeClient.fromOptions({ server: url, userAgent: 'test' });
  const recorder = { event: () => undefined } as unknown as EventRecorder;
  const streams = { open: () => Promise.reject(new Error('there is no tunnel')) };
  const shared = {
    parent,
    descriptions,
    releases,
    helm,
    credentials: async () => undefined,
    recorder,
    logger: silentLogger,
    metrics,
    signal,
    recovery: false,
    userAgent: 'test',
    streams,
  };
  const access = { server: url, caPem: undefined, token: 't', qps: 100, burst: 100 };
  const deployer = deployerFactory(shared)({
    access: access as never,
    token: () => 't',
    namespace,
    clusterName: 'edge',
    retain: async () => false,
  });
  return { start: () => deployer.start(), [Symbol.asyncDispose]: () => deployer.close().then(() => parent.close()) };
}

it('makes deployers that report what their queues do', async () => {
  const metrics = new Metrics();
  await using deployer = make(new AbortController().signal, metrics);
  const first = new Promise<void>((resolve) => (asked = resolve));
  deployer.start();
  await first;
  expect(await metrics.registry.metrics()).toContain('clusternet_workqueue_adds_total{name="deployer"} 1');
});

it('makes deployers that ask a child for nothing once the leadership is over', async () => {
  await using deployer = make(
    guardedSignal([], () => new Error('overdue')),
    new Metrics(),
  );
  deployer.start();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(requests).toEqual([]);
});
