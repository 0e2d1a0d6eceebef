// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type Description, type DescriptionStatus, feedOf } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { silentLogger } from '@clusternet/runtime';
import { FlapGuard } from './flapGuard.ts';
import { Group } from './group.ts';
import { flapKey } from './groupWorker.ts';
import { Reachability } from './reachability.ts';
import { StatusWriter } from './statusWriter.ts';
import { configMap } from './testing/harness.ts';

const { signal } = new AbortController();

function setUp() {
  const time = { monotonic: 5_000, wall: Date.UTC(2026, 0, 1) };
  const clock = { monotonic: () => time.monotonic, now: () => new Date(time.wall) };
  const written: DescriptionStatus[] = [];
  let version = 10;
  const parent = {
    resource: () => ({
      apply: async (object: Description) => {
        written.push(object.status ?? {});
        return { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
      },
    }),
  } as unknown as KubeClient;
  const flaps = new FlapGuard({ quietMs: 60_000 });
  const reachability = new Reachability({ probe: async () => undefined, onChange: () => undefined, logger: silentLogger });
  const writer = new StatusWriter({ parent, recorder: { event: () => undefined }, reachability, flaps, clock });
  const object = configMap('shop', 'a');
  const description = {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Description',
    metadata: { name: 'app-generic', namespace: 'ns', uid: 'u', generation: 1, resourceVersion: '10' },
    spec: { deployer: 'Generic', raw: [Buffer.from(JSON.stringify(object)).toString('base64')] },
  } as Description;
  const group = new Group({ namespace: 'ns', name: 'app-generic' });
  group.update([description]);
  group.working = false;
  const [tracked] = group.objects.values();
  if (!tracked) throw new Error('the object is missing');
  tracked.applied = {
    hash: tracked.hash,
    uid: 'c',
    adopted: false,
    target: {
      definition: { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true },
      ref: feedOf(object),
    },
  };
  return { time, written, flaps, writer, description, group, tracked };
}

describe('StatusWriter', () => {
  it('asks again when a contested object may have come to rest, and says that it has', async () => {
    const { time, written, flaps, writer, description, group, tracked } = setUp();
    for (let repair = 0; repair < 3; repair++) flaps.repaired(flapKey(group, tracked), time.monotonic, () => 1);
    const first = await writer.write(description, group, signal);
    expect(written[0]?.conditions).toContainEqual(expect.objectContaining({ type: 'Contested', status: 'True' }));
    expect(first?.requeueAfterMs).toBeGreaterThan(60_000);
    expect(await writer.write(description, group, signal)).toEqual(first);
    time.monotonic += first?.requeueAfterMs ?? 0;
    expect(await writer.write(description, group, signal)).toBeUndefined();
    expect(written[1]?.conditions).toContainEqual(expect.objectContaining({ type: 'Contested', status: 'False' }));
    expect(written).toHaveLength(2);
  });

  it('does not wait for a wall clock that was set back', async () => {
    const { time, written, writer, description, group, tracked } = setUp();
    await writer.write(description, group, signal);
    time.wall -= 86_400_000;
    tracked.status = { ready: 1 };
    const wait = await writer.write(description, group, signal);
    expect(wait?.requeueAfterMs).toBeLessThanOrEqual(1_000);
    time.monotonic += 1_000;
    await writer.write(description, group, signal);
    expect(written).toHaveLength(2);
  });

  it('compares with what was written until the informer has it, and then with what the informer has', async () => {
    const { time, written, writer, description, group } = setUp();
    await writer.write(description, group, signal);
    // The informer lags behind: nothing is written twice.
    await writer.write(description, group, signal);
    expect(written).toHaveLength(1);
    const caughtUp = { ...description, metadata: { ...description.metadata, resourceVersion: '11' }, status: written[0] };
    writer.observed(caughtUp);
    await writer.write(caughtUp, group, signal);
    expect(written).toHaveLength(1);
    // Somebody else took the status away.
    time.monotonic += 5_000;
    const robbed = { ...description, metadata: { ...description.metadata, resourceVersion: '12' }, status: {} };
    await writer.write(robbed, group, signal);
    expect(written).toHaveLength(2);
    expect(written[1]?.phase).toBe('Success');
  });
});
