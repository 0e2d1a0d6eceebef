// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type KubeClient } from '@clusternet/client';
import { silentLogger } from '@clusternet/runtime';
import { type Tunnel } from '@clusternet/tunnel';
import { type Clusters } from './clusters.ts';
import { SessionGuard, type SessionGuardOptions } from './sessionGuard.ts';
import { type Session } from './socketRegistry.ts';

const labels = { 'clusters.clusternet.io/cluster-id': 'id' };
const clusters = {
  inNamespace: (namespace: string, clusterId: string) => ({
    metadata: { name: namespace, namespace, uid: 'u' },
    spec: { clusterId },
  }),
  serviceAccount: (namespace: string, name: string) => ({
    metadata: { name, namespace, uid: 'a', labels: { ...labels, 'clusters.clusternet.io/cluster-id': namespace } },
  }),
  onChange: () => () => undefined,
} as unknown as Clusters;

let guard: SessionGuard | undefined;
afterEach(() => guard?.close());

/** Guards as many tunnels, each of them due at every look; `answer` says what becomes of a review. */
function guarding(count: number, answer: (user: string) => Promise<object>) {
  const closed: string[] = [];
  const sessions = Array.from({ length: count }, (_, number): Session => {
    const clusterId = `c-${number}`;
    const user = { name: `system:serviceaccount:${clusterId}:${clusterId}`, groups: [] };
    return {
      owner: { clusterId, namespace: clusterId, name: clusterId, uid: 'u', accountUid: 'a', user },
      tunnel: { close: async () => void closed.push(clusterId) } as unknown as Tunnel,
    };
  });
  const registry = {
    list: () => sessions,
    get: (id: string) => sessions.find(({ owner }) => owner.clusterId === id),
    onChange: () => () => undefined,
  } as unknown as SessionGuardOptions['registry'];
  const create = async ({ spec }: { spec: { user: string } }) => ({ status: await answer(spec.user) });
  const client = { resource: () => ({ create }) } as unknown as KubeClient;
  guard = new SessionGuard({ registry, clusters, client, logger: silentLogger, lookMs: 5, reviewMs: 0 });
  return { closed, sessions };
}

describe('SessionGuard', () => {
  it('asks about a few of many tunnels at a time, and comes to each of them', async () => {
    let [under, most] = [0, 0];
    const asked = new Set<string>();
    const { closed } = guarding(100, async (user) => {
      asked.add(user);
      most = Math.max(most, ++under);
      await delay(1);
      under--;
      return { allowed: !user.endsWith(':c-99') };
    });
    while (asked.size < 100 || closed.length === 0) await delay(5);
    expect(most).toBe(8);
    expect(new Set(closed)).toEqual(new Set(['c-99']));
  });

  it('asks no more about tunnels that are gone, or once it is closed', async () => {
    const asked: string[] = [];
    let open: (answer: object) => void = () => undefined;
    const gate = new Promise<object>((resolve) => (open = resolve));
    const { sessions } = guarding(20, (user) => (asked.push(user), gate));
    while (asked.length < 8) await delay(5);
    await delay(20);
    expect(asked).toHaveLength(8);
    sessions.splice(10);
    open({ allowed: true });
    while (asked.length < 10) await delay(5);
    guard?.close();
    await delay(20);
    const { length } = asked;
    await delay(20);
    expect(asked).toHaveLength(length);
    expect(asked.some((user) => user.endsWith(':c-15'))).toBe(false);
  });
});
