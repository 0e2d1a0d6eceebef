// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiError, type KubeClient } from '@clusternet/client';
import { silentLogger } from '@clusternet/runtime';
import { until } from '../testing/until.ts';
import { Heartbeat } from './heartbeat.ts';

let patches: unknown[];
let answer: () => unknown;
let changes: number;
let distrusts: number;
let parentCas: string[];
const running: Heartbeat[] = [];

beforeEach(() => {
  patches = [];
  changes = 0;
  distrusts = 0;
  parentCas = [];
  answer = () => ({ metadata: {} });
});
afterEach(async () => {
  for (const heartbeat of running.splice(0)) await heartbeat.close();
});

function heartbeat(everyMs: number): Heartbeat {
  const parent = {
    resource: () => ({
      patch: async (ref: unknown, body: unknown) => {
        patches.push([ref, body]);
        return answer();
      },
    }),
  } as unknown as Pick<KubeClient, 'resource'>;
  const made = new Heartbeat({
    parent,
    namespace: 'ns',
    clusterId: 'id',
    everyMs,
    now: () => new Date('2026-01-01T00:00:00.123Z'),
    onChange: () => changes++,
    onDistrust: () => distrusts++,
    onParentCa: (hash) => parentCas.push(hash),
    signal: new AbortController().signal,
    logger: silentLogger,
  });
  running.push(made);
  return made;
}

describe('Heartbeat', () => {
  it('renews the Lease that the hub made, and knows after the first time that it counts', async () => {
    const made = heartbeat(5);
    await made.start();
    expect(made.counts).toBe(true);
    expect(patches[0]).toEqual([
      { name: 'clusternet-heartbeat', namespace: 'ns' },
      { spec: { holderIdentity: 'id', leaseDurationSeconds: 1, renewTime: '2026-01-01T00:00:00.123000Z' } },
    ]);
    await until(() => patches.length > 3);
    expect(changes).toBe(0);
  });

  it.each([404, 403])('counts for nothing where the parent answers %i', async (status) => {
    answer = () => {
      throw new ApiError('no', { status });
    };
    const made = heartbeat(5);
    await made.start();
    expect(made.counts).toBe(false);
  });

  it('tells when the certificate of the parent is refused, and nothing of other failures', async () => {
    const made = heartbeat(5);
    await made.start();
    answer = () => {
      throw new ApiError('no', { status: 500 });
    };
    const before = patches.length;
    await until(() => patches.length > before + 2);
    expect(distrusts).toBe(0);
    answer = () => {
      throw new Error('TLS failed', { cause: Object.assign(new Error(), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }) });
    };
    await until(() => distrusts > 0);
  });

  it('passes on by which CA the hub goes, where it says so', async () => {
    const made = heartbeat(5);
    await made.start();
    expect(parentCas).toEqual([]);
    answer = () => ({ metadata: { annotations: { 'clusters.clusternet.io/parent-ca-hash': 'hash' } } });
    await until(() => parentCas.includes('hash'));
  });

  it('stops to count when the Lease goes, and says so', async () => {
    const made = heartbeat(5);
    await made.start();
    answer = () => {
      throw new ApiError('gone', { status: 404 });
    };
    await until(() => changes === 1);
    expect(made.counts).toBe(false);
  });

  it('goes on after a refusal or two, as by an API server that has just started', async () => {
    const made = heartbeat(5);
    await made.start();
    let refusals = 0;
    answer = () => {
      if (++refusals > 2) return { metadata: {} };
      throw new ApiError('no', { status: 403 });
    };
    const before = patches.length;
    await until(() => patches.length > before + 4);
    expect(made.counts).toBe(true);
    expect(changes).toBe(0);
  });

  it('counts on while the parent does not answer', async () => {
    const made = heartbeat(5);
    await made.start();
    const before = patches.length;
    answer = () => {
      throw new Error('connection refused');
    };
    await until(() => patches.length > before + 2);
    expect(made.counts).toBe(true);
    expect(changes).toBe(0);
  });

  it('can be turned off', async () => {
    const made = heartbeat(0);
    await made.start();
    expect(patches).toEqual([]);
    expect(made.counts).toBe(false);
  });
});
