// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type HelmChart, type HelmChartSpec, resources } from '@clusternet/api-types';
import { ApiError, core } from '@clusternet/client';
import { type ChartCredentials, type ChartRef, ChartSourceError, type ResolvedChart } from '@clusternet/deployer';
import { fakeContext } from '../testing/context.ts';
import { ChartController } from './chartController.ts';
import { PullSecrets } from './pullSecrets.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: ChartController;
let asked: { ref: ChartRef; credentials: ChartCredentials | undefined }[];
let answer: () => ResolvedChart;

beforeEach(() => {
  surroundings = fakeContext();
  asked = [];
  answer = () => ({ version: '1.4.2', digest: 'sha256:aa', url: new URL('https://c/x.tgz') });
  const resolve = async (ref: ChartRef, credentials?: ChartCredentials): Promise<ResolvedChart> => {
    asked.push({ ref, credentials });
    return answer();
  };
  const secrets = new PullSecrets({
    api: surroundings.cluster,
    now: () => surroundings.clock.now,
    role: 'reader',
    account: 'sys:hub',
  });
  controller = new ChartController(surroundings.context, { source: { resolve }, secrets, random: () => 0.5 });
});

function put(spec: Partial<HelmChartSpec> = {}, generation = 1): void {
  const present = surroundings.cluster.get<HelmChart>(resources.helmCharts, 'shop/web');
  surroundings.cluster.put<HelmChart>(resources.helmCharts, {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'HelmChart',
    metadata: { name: 'web', namespace: 'shop', uid: 'u', generation },
    spec: { repo: 'https://c', chart: 'web', version: '^1.0', targetNamespace: 'shop', ...spec },
    ...(present?.status ? { status: present.status } : {}),
  });
}

const status = (): HelmChart['status'] => surroundings.cluster.get<HelmChart>(resources.helmCharts, 'shop/web')?.status;
const fail = (): never => {
  throw new ChartSourceError('Unavailable', 'the repository is away');
};

function putSecret(data: Record<string, string>): void {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: 'shop' },
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
  surroundings.cluster.put(core.secrets, secret);
}

describe('ChartController', () => {
  it('writes down what was found, and looks again now and then', async () => {
    put();
    expect(await controller.reconcile('shop/web')).toEqual({ requeueAfterMs: 600_000 });
    expect(status()).toEqual({ phase: 'Found', reason: '', version: '1.4.2', digest: 'sha256:aa', observedGeneration: 1 });
    const writes = surroundings.cluster.writes.length;
    await controller.reconcile('shop/web');
    expect(surroundings.cluster.writes.length).toBe(writes);
    expect(surroundings.events.map(({ reason }) => reason)).toEqual(['HelmChartFound']);
  });

  it('says nothing of a chart when the search was given up', async () => {
    put();
    const stop = new AbortController();
    answer = () => {
      stop.abort(new Error('the leadership is over'));
      return fail();
    };
    await expect(controller.reconcile('shop/web', stop.signal)).rejects.toThrow('the leadership is over');
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('resolves a range once for each spec', async () => {
    put();
    await controller.reconcile('shop/web');
    await controller.reconcile('shop/web');
    put({ version: '^1.1' }, 2);
    await controller.reconcile('shop/web');
    expect(asked.map(({ ref }) => ref.version)).toEqual(['^1.0', '1.4.2', '^1.1']);
  });

  it('keeps the version while the repository is away, says so, and tries again less and less often', async () => {
    put();
    await controller.reconcile('shop/web');
    const found = answer;
    answer = fail;
    const delays = [];
    for (let i = 0; i < 3; i++) delays.push(await controller.reconcile('shop/web'));
    const waits = delays.map((delay) => delay?.requeueAfterMs ?? 0);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(Math.max(...waits)).toBeGreaterThan(2 * Math.min(...waits));
    expect(status()).toMatchObject({
      phase: 'NotFound',
      reason: 'the repository is away',
      version: '1.4.2',
      observedGeneration: 1,
    });
    answer = found;
    await controller.reconcile('shop/web');
    expect(status()).toMatchObject({ phase: 'Found', reason: '' });
    expect(surroundings.events.map(({ reason }) => reason)).toEqual(['HelmChartFound', 'HelmChartNotFound', 'HelmChartFound']);
  });

  it('warns when a version becomes another archive', async () => {
    put();
    await controller.reconcile('shop/web');
    answer = () => ({ version: '1.4.2', digest: 'sha256:bb', url: new URL('https://c/x.tgz') });
    await controller.reconcile('shop/web');
    expect(status()?.digest).toBe('sha256:bb');
    expect(surroundings.events.at(-1)).toMatchObject({ type: 'Warning', reason: 'HelmChartChanged' });
  });

  it('takes credentials from a Secret of the same namespace', async () => {
    putSecret({ username: 'me', password: 'pw', 'ca.crt': 'PEM' });
    put({ chartPullSecret: { name: 'login' } });
    await controller.reconcile('shop/web');
    expect(asked[0]?.credentials).toEqual({ username: 'me', password: 'pw', caPem: 'PEM' });
  });

  it.each<[string, Partial<HelmChartSpec>, Record<string, string> | undefined, RegExp]>([
    ['is missing', { chartPullSecret: { name: 'login' } }, undefined, /there is no Secret shop\/login/],
    ['lacks a key', { chartPullSecret: { name: 'login' } }, { username: 'me' }, /needs the keys username and password/],
    [
      'is of another namespace',
      { chartPullSecret: { name: 'login', namespace: 'kube-system' } },
      {},
      /must be in the namespace of the HelmChart, shop/,
    ],
  ])('says when the Secret %s, and asks nobody', async (_, spec, secret, reason) => {
    if (secret) putSecret(secret);
    put(spec);
    await controller.reconcile('shop/web');
    expect(status()).toMatchObject({ phase: 'NotFound', reason: expect.stringMatching(reason) });
    expect(asked).toEqual([]);
  });

  it('says how to let the hub read a Secret', async () => {
    const api = {
      resource: () => ({
        find: async () => {
          throw new ApiError('no', { status: 403, reason: 'Forbidden' });
        },
      }),
    };
    const secrets = new PullSecrets({ api: api as never, now: () => 0, role: 'reader', account: 'sys:hub' });
    const chart = { metadata: { name: 'web', namespace: 'shop' }, spec: { chartPullSecret: { name: 'login' } } } as HelmChart;
    await expect(secrets.credentialsOf(chart)).rejects.toThrow(
      'kubectl create rolebinding reader --namespace=shop --clusterrole=reader --serviceaccount=sys:hub',
    );
  });
});
