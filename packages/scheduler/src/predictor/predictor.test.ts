// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { estimate, requestOf } from '../capacity/estimate.ts';
import { Promises } from '../capacity/promises.ts';
import { thousandths } from '../capacity/quantity.ts';
import { cluster } from '../testing/objects.ts';
import { PredictionCache } from './predictionCache.ts';
import { hasPredictor, HttpPredictorClient, tunnelPath } from './predictorClient.ts';

const id = '11111111-1111-1111-1111-111111111111';
const signal = new AbortController().signal;
const tunnelled = cluster('a', {
  status: { predictorEnabled: true, predictorAddress: 'http://localhost:8080', useSocket: true },
});
const direct = cluster('a', {
  status: { predictorEnabled: true, predictorAddress: 'https://predict.example/', predictorDirectAccess: true },
});

describe('HttpPredictorClient', () => {
  it('asks through the tunnel with its own rights', async () => {
    const asked: unknown[] = [];
    const client = new HttpPredictorClient({
      client: {
        request: async <T>(request: unknown): Promise<T> => {
          asked.push(request);
          return { replicas: { default: 7 } } as T;
        },
      },
    });
    expect(await client.predict(tunnelled, { nodeSelector: { a: 'b' } }, signal)).toBe(7);
    expect(asked).toMatchObject([
      {
        method: 'POST',
        path: `/apis/proxies.clusternet.io/v1alpha1/sockets/${id}/proxy/http/localhost:8080/replicas/predict`,
        body: { nodeSelector: { a: 'b' } },
        headers: { 'Cluster-ID': id },
      },
    ]);
  });

  it('asks directly where the child says so, and looks at the status', async () => {
    const answers = [
      new Response('{"replicas":{"default":3}}'),
      new Response('no node', { status: 500 }),
      new Response('<html>'),
    ];
    const urls: string[] = [];
    const client = new HttpPredictorClient({
      client: { request: () => Promise.reject(new Error('not through the tunnel')) },
      fetch: (url) => {
        urls.push(typeof url === 'string' ? url : '');
        return Promise.resolve(answers.shift() ?? new Response());
      },
    });
    expect(await client.predict(direct, {}, signal)).toBe(3);
    await expect(client.predict(direct, {}, signal)).rejects.toThrow('the predictor answered 500: no node');
    await expect(client.predict(direct, {}, signal)).rejects.toThrow(/no JSON: <html>/);
    expect(urls[0]).toBe('https://predict.example/replicas/predict');
  });

  it.each([[{}], [{ replicas: {} }], [{ replicas: { default: '7' } }], [{ replicas: { default: 1.5 } }]])(
    'refuses the answer %j',
    async (answer) => {
      const client = new HttpPredictorClient({ client: { request: async <T>() => answer as T } });
      await expect(client.predict(tunnelled, {}, signal)).rejects.toThrow(/whole number/);
    },
  );

  it('knows who can be asked, and where', () => {
    expect(hasPredictor(tunnelled)).toBe(true);
    expect(hasPredictor(direct)).toBe(true);
    expect(hasPredictor(cluster('a', { status: { predictorEnabled: true, predictorAddress: 'http://x' } }))).toBe(false);
    expect(tunnelPath(id, 'https://http.local:8443/base/')).toBe(
      `/apis/proxies.clusternet.io/v1alpha1/sockets/${id}/proxy/https/http.local:8443/base/replicas/predict`,
    );
    expect(() => tunnelPath(id, 'ftp://x')).toThrow(/no http or https URL/);
  });
});

describe('PredictionCache', () => {
  it('asks once for an answer, keeps it for its time, and a failure for a shorter one', async () => {
    let now = 0;
    let calls = 0;
    const cache = new PredictionCache({
      client: { predict: () => (++calls === 2 ? Promise.reject(new Error('gone')) : Promise.resolve(calls)) },
      ttlMs: 1000,
      failureTtlMs: 100,
      now: () => now,
    });
    const get = () => cache.get(tunnelled, { key: 'k', requirements: {} });
    const settle = async () => {
      const first = get();
      if ('pending' in first) await first.pending;
      return get();
    };
    expect(get()).toEqual(get());
    expect(await settle()).toEqual({ replicas: 1, at: 0 });
    now = 1001;
    expect(await settle()).toEqual({ problem: 'gone' });
    now = 1102;
    expect(await settle()).toEqual({ replicas: 3, at: 1102 });
    expect(calls).toBe(3);
  });

  it('asks only so many children at a time, though all are asked for in one turn', async () => {
    let running = 0;
    let most = 0;
    const answer: (() => void)[] = [];
    const cache = new PredictionCache({
      parallel: 3,
      client: {
        predict: async () => {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => answer.push(resolve));
          running--;
          return 1;
        },
      },
    });
    const asked = Array.from({ length: 10 }, (_, i) => cache.get(cluster(`c${i}`), { key: 'k', requirements: {} }));
    const all = Promise.all(asked.flatMap((one) => ('pending' in one ? [one.pending] : [])));
    for (let answered = 0; answered < 10;) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const resolve of answer.splice(0)) {
        answered++;
        resolve();
      }
    }
    await all;
    expect(most).toBe(3);
    expect(cache.get(cluster('c9'), { key: 'k', requirements: {} })).toMatchObject({ replicas: 1 });
  });

  it('forgets what nobody asks for again', async () => {
    let now = 0;
    const cache = new PredictionCache({ client: { predict: async () => 1 }, ttlMs: 1000, now: () => now });
    for (let i = 0; i < 100; i++) {
      now += 500;
      const answer = cache.get(tunnelled, { key: `requirements ${i}`, requirements: {} });
      if ('pending' in answer) await answer.pending;
    }
    expect(cache.size).toBeLessThan(10);
  });
});

describe('room', () => {
  it.each([
    ['100m', 100],
    ['1', 1000],
    ['1.5', 1500],
    ['2k', 2_000_000],
    ['1Gi', 1000 * 2 ** 30],
    ['1e3', 1_000_000],
    ['.5', 500],
    [2, 2000],
    ['many', undefined],
  ])('reads %j', (text, expected) => expect(thousandths(text)).toBe(expected));

  const request = requestOf({ resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } });

  it.each<[string, Parameters<typeof estimate>[0], Record<string, number>, number | undefined]>([
    ['the scarcest resource', { allocatable: { cpu: '8', memory: '4Gi' } }, {}, 4],
    ['what is used', { allocatable: { cpu: '8', memory: '40Gi' }, resourceUsage: { cpuUsage: '5500m' } }, {}, 2],
    ['what is promised', { allocatable: { cpu: '8', memory: '40Gi' } }, { cpu: 7000 }, 1],
    ['no less than none', { allocatable: { cpu: '8', memory: '40Gi' } }, { cpu: 9000 }, 0],
    ['nothing known', {}, {}, undefined],
  ])('counts %s', (_, status, promised, expected) => expect(estimate(status, { request, promised })).toBe(expected));

  it('has none of a resource that is not reported', () => {
    const gpu = requestOf({ resources: { requests: { 'nvidia.com/gpu': '1' } } });
    expect(estimate({ allocatable: { cpu: '8' } }, { request: gpu, promised: {} })).toBe(0);
  });

  it('remembers what was promised, and when', () => {
    const promises = new Promises();
    promises.set('a', new Map([['c', { cpu: 5 }]]), 10);
    promises.set('b', new Map([['c', { cpu: 2 }]]), 20);
    promises.set('a', new Map([['c', { cpu: 4 }]]), 30);
    expect([promises.in('c'), promises.since('c', 15)]).toEqual([{ cpu: 6 }, { cpu: 2 }]);
    promises.set('a', new Map(), 40);
    promises.set('b', new Map(), 40);
    expect(promises.in('c')).toEqual({});
  });
});
