// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Prediction, type ReplicaRequirements } from '@clusternet/api-types';
import { PredictorServer } from './predictorServer.ts';

let prediction: Prediction | undefined;
let asked: ReplicaRequirements[];
let answers: number[];
let server: PredictorServer;
let url: string;

beforeEach(async () => {
  prediction = { replicas: { default: 7 } };
  asked = [];
  answers = [];
  server = new PredictorServer({
    port: 0,
    clusterId: 'me',
    predict: (requirements) => {
      asked.push(requirements);
      return prediction;
    },
    onAnswer: ({ code }) => answers.push(code),
  });
  url = `http://127.0.0.1:${await server.listen()}`;
});
afterEach(() => server.close());

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/replicas/predict`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

describe('the predictor over HTTP', () => {
  it('answers requirements with replicas', async () => {
    const requirements = { nodeSelector: { zone: 'a' }, resources: { requests: { cpu: '100m' } } };
    const response = await post(JSON.stringify(requirements), { 'Cluster-ID': 'me' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ replicas: { default: 7 } });
    expect(asked).toEqual([requirements]);
    expect(answers).toEqual([200]);
  });

  it('takes requirements that ask for nothing', async () => {
    expect((await post('{}')).status).toBe(200);
  });

  it.each([
    ['not json', 400, 'the body is not JSON'],
    ['[]', 400, 'the body is not ReplicaRequirements'],
    ['{"nodeSelector":{"a":1}}', 400, 'nodeSelector'],
    ['{"resources":{"requests":{"cpu":"lots"}}}', 400, 'cpu'],
    ['{"resources":{"requests":{"cpu":"-1"}}}', 400, 'must not be negative'],
    [`"${'x'.repeat(300_000)}"`, 413, 'larger than'],
  ])('refuses %.40s', async (body, code, message) => {
    const response = await post(body);
    expect(response.status).toBe(code);
    expect(((await response.json()) as { error: string }).error).toContain(message);
    expect(asked).toEqual([]);
  });

  it('refuses what is meant for another cluster', async () => {
    expect((await post('{}', { 'Cluster-ID': 'other' })).status).toBe(421);
  });

  it('asks to come again while it knows too little', async () => {
    prediction = undefined;
    const response = await post('{}');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
  });

  it.each([
    ['GET', '/replicas/predict', 405],
    ['GET', '/replicas/unscheduled', 501],
    ['GET', '/metrics', 404],
    ['POST', '/', 404],
  ])('has nothing for %s %s', async (method, path, code) => {
    expect((await fetch(`${url}${path}`, { method })).status).toBe(code);
  });

  it('listens on the loopback address alone', async () => {
    const other = new PredictorServer({ port: Number(new URL(url).port), clusterId: 'me', predict: () => prediction });
    await expect(other.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1' });
    await other.close();
  });
});
