// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Change } from '@clusternet/runtime';
import { describe, expect, it } from '@jest/globals';
import { Directory } from './directory.ts';
import { type Lease, peerLeaseName, peerOfLease, socketLeaseName } from './leases.ts';

const namespace = 'clusternet-system';

function setUp() {
  const leases = new Map<string, Lease>();
  const handlers = new Set<(change: Change<Lease>) => void>();
  const store = {
    get: (key: string) => leases.get(key),
    list: () => [...leases.values()],
    onChange: (handler: (change: Change<Lease>) => void) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
  const clock = { now: 0 };
  const connected = new Set<string>();
  const isConnected = (id: string): boolean => connected.has(id);
  const directory = new Directory({ store, namespace, isConnected, now: () => clock.now });
  const put = (name: string, spec: Lease['spec']): void => {
    const object: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec };
    const key = `${namespace}/${name}`;
    leases.set(key, object);
    for (const handler of handlers) handler({ type: 'modified', key, object, previous: object });
  };
  const renew = (id: string, renewTime: string): void =>
    put(peerLeaseName(id), {
      holderIdentity: JSON.stringify({ id, host: '10.0.0.1', port: 8123 }),
      leaseDurationSeconds: 8,
      renewTime,
    });
  return { directory, put, renew, clock, connected };
}

describe('the directory', () => {
  it('knows who holds a tunnel for as long as that one renews, whatever its clock says', () => {
    const { directory, put, renew, clock } = setUp();
    renew('a', '1999-01-01T00:00:00.000000Z');
    put(socketLeaseName('cluster-1'), { holderIdentity: 'a', acquireTime: '2026-01-01T00:00:00.000000Z' });
    expect(directory.peers()).toEqual([{ id: 'a', host: '10.0.0.1', port: 8123 }]);
    expect(directory.holder('cluster-1')).toMatchObject({ peerId: 'a', connectedAt: new Date('2026-01-01') });
    clock.now = 7_000;
    renew('a', '1999-01-01T00:00:02.000000Z');
    clock.now = 14_000;
    expect(directory.holders()).toHaveLength(1);
    clock.now = 15_001;
    expect(directory.holder('cluster-1')).toBeUndefined();
    expect(directory.peers()).toEqual([]);
  });

  it('tells what dead replicas have left, after a while', () => {
    const { directory, put, renew, clock } = setUp();
    renew('a', '1');
    renew('b', '1');
    put(socketLeaseName('cluster-1'), { holderIdentity: 'a' });
    put(socketLeaseName('cluster-2'), { holderIdentity: 'b' });
    put('another-lease', { holderIdentity: 'a' });
    clock.now = 60_000;
    renew('b', '2');
    expect(directory.expired(60_000)).toEqual([]);
    clock.now = 68_000;
    renew('b', '3');
    expect(directory.expired(60_000).map(({ metadata }) => metadata.name)).toEqual([
      peerLeaseName('a'),
      socketLeaseName('cluster-1'),
    ]);
  });

  it('takes a replica that it is connected to for alive, and sweeps what names replicas that nobody knows', () => {
    const { directory, put, renew, clock, connected } = setUp();
    renew('a', '1');
    put(socketLeaseName('cluster-1'), { holderIdentity: 'a' });
    put(socketLeaseName('cluster-2'), { holderIdentity: 'gone' });
    connected.add('a');
    expect(directory.expired(60_000)).toEqual([]);
    clock.now = 100_000;
    expect(directory.holder('cluster-1')).toMatchObject({ peerId: 'a' });
    expect(directory.expired(60_000).map(({ metadata }) => metadata.name)).toEqual([socketLeaseName('cluster-2')]);
    connected.clear();
    expect(directory.holder('cluster-1')).toBeUndefined();
  });

  it.each([undefined, '', 'text', 'null', '{"id":"b","host":"h","port":1}', '{"id":"a","host":"","port":1}', '{"id":"a"}'])(
    'takes %j for no replica',
    (holderIdentity) => {
      const metadata = { name: peerLeaseName('a') };
      expect(peerOfLease({ apiVersion: '', kind: 'Lease', metadata, spec: { holderIdentity } })).toBeUndefined();
    },
  );
});
