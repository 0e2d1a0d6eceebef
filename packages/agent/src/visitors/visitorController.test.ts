// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { ApiError, type KubeClient } from '@clusternet/client';
import { collectingLogger } from '../testing/collectingLogger.ts';
import { FakeSecrets } from '../testing/fakeSecrets.ts';
import { until } from '../testing/until.ts';
import { VisitorController } from './visitorController.ts';

const ref = { namespace: 'clusternet-abcde', name: 'child-cluster-visitor' };
const lifeMs = 3_600_000;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A child that issues numbered tokens, a parent in memory, and one controller after the other between them. */
function surroundings() {
  const parent = new FakeSecrets();
  const { logger, lines } = collectingLogger();
  const state = { now: new Date('2026-01-01T00:00:00Z'), paths: [] as string[], refusal: undefined as ApiError | undefined };
  const child = {
    server: 'https://10.96.0.1:443',
    caPem: 'PEM',
    request: ({ path }: { path: string }) => {
      state.paths.push(path);
      if (state.refusal) return Promise.reject(state.refusal);
      const expirationTimestamp = new Date(state.now.getTime() + lifeMs).toISOString();
      return Promise.resolve({ status: { token: `token-${state.paths.length}`, expirationTimestamp } });
    },
  };
  const run = (enabled: boolean) => {
    const leadership = new AbortController();
    const controller = new VisitorController({
      child: child as unknown as KubeClient,
      parent: parent.client,
      clusterId: 'id',
      namespace: ref.namespace,
      systemNamespace: 'clusternet-system',
      enabled,
      now: () => state.now,
      signal: leadership.signal,
      logger,
    });
    controller.start();
    closers.push(() => controller.close());
    return { controller, leadership };
  };
  return { parent, child, state, lines, run };
}

describe('VisitorController', () => {
  it('lends the parent a token of the visiting ServiceAccount when the cluster consents', async () => {
    const { parent, state, run } = surroundings();
    run(true);
    await until(() => parent.stored.size === 1);
    expect(state.paths).toEqual(['/api/v1/namespaces/clusternet-system/serviceaccounts/clusternet-visitor/token']);
    expect(parent.value(ref, 'token')).toBe('token-1');
    expect(parent.value(ref, 'ca.crt')).toBe('PEM');
    expect(parent.value(ref, 'apiserver-advertise-url')).toBe('https://10.96.0.1:443');
    expect(parent.stored.get('clusternet-abcde/child-cluster-visitor')).toMatchObject({
      metadata: { labels: { 'clusternet.io/created-by': 'clusternet-agent', 'clusters.clusternet.io/cluster-id': 'id' } },
    });
  });

  it('replaces the token at half of its life', async () => {
    const { parent, state, run } = surroundings();
    const { controller } = run(true);
    await until(() => parent.value(ref, 'token') === 'token-1');
    await controller.close();
    state.now = new Date(state.now.getTime() + lifeMs / 2);
    run(true);
    await until(() => parent.value(ref, 'token') === 'token-2');
  });

  it('tells the parent the CA of the cluster anew when it changes, with the same token', async () => {
    const { parent, child, run } = surroundings();
    const { controller } = run(true);
    await until(() => parent.stored.size === 1);
    child.caPem = 'OLD AND NEW PEM';
    controller.changed();
    await until(() => parent.value(ref, 'ca.crt') === 'OLD AND NEW PEM');
    expect(parent.value(ref, 'token')).toBe('token-1');
  });

  it('takes it back when the cluster does not consent any more', async () => {
    const { parent, run } = surroundings();
    const { controller } = run(true);
    await until(() => parent.stored.size === 1);
    await controller.close();
    run(false);
    await until(() => parent.stored.size === 0);
  });

  it('leaves what is lent in place when the leader changes', async () => {
    const { parent, run } = surroundings();
    const { controller, leadership } = run(true);
    await until(() => parent.stored.size === 1);
    leadership.abort(new Error('lost'));
    await controller.close();
    expect(parent.stored.size).toBe(1);
  });

  it.each([true, false])("leaves a Secret that is an operator's own alone (consent: %s)", async (enabled) => {
    const { parent, state, run } = surroundings();
    const own = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...ref, uid: 'x', annotations: { 'clusternet.io/autoupdate': 'false' } },
    };
    parent.stored.set('clusternet-abcde/child-cluster-visitor', own);
    const { controller } = run(enabled);
    await until(() => parent.log.length === 1);
    await controller.close();
    expect(parent.stored.get('clusternet-abcde/child-cluster-visitor')).toEqual(own);
    expect(state.paths).toEqual([]);
  });

  it('writes nothing where there is nothing to take back', async () => {
    const { parent, run } = surroundings();
    const { controller } = run(false);
    await until(() => parent.log.length === 1);
    await controller.close();
    expect(parent.log).toEqual(['find']);
  });

  it('is content with a parent that does not let it look, unless the cluster consents', async () => {
    const { parent, lines, run } = surroundings();
    parent.refusal = new ApiError('forbidden', { status: 403 });
    const { controller } = run(false);
    await until(() => parent.log.length === 1);
    await controller.close();
    expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('says what is missing where the chart did not make the ServiceAccount', async () => {
    const { parent, state, lines, run } = surroundings();
    state.refusal = new ApiError('not found', { status: 404, reason: 'NotFound' });
    run(true);
    await until(() => JSON.stringify(lines.map(({ fields }) => String(fields['error']))).includes('visitors.enabled'));
    expect(parent.stored.size).toBe(0);
    state.refusal = undefined;
    await until(() => parent.stored.size === 1);
  });
});
