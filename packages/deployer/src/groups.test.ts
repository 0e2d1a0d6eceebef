// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type Description, type KubeObject } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { Group, isDone, noteLive, noteSuccess, type TrackedObject } from './group.ts';
import { Groups } from './groups.ts';
import { contentHash, toLiveObject } from './liveObject.ts';
import { configMap } from './testing/harness.ts';

const target = { definition: core.configMaps, ref: { namespace: 'shop', name: 'a' } };

function live(resourceVersion: string, o: { status?: unknown; data?: string } = {}): KubeObject {
  const object = configMap('shop', 'a', { a: o.data ?? '1' });
  return { ...object, metadata: { ...object.metadata, uid: 'u1', resourceVersion }, status: o.status };
}

/** A group with one object that is being applied: the answer of the child has not come yet. */
function applying(): { groups: Groups; group: Group; object: TrackedObject } {
  const raw = [Buffer.from(JSON.stringify(configMap('shop', 'a'))).toString('base64')];
  const description = { metadata: { name: 'app-generic', generation: 1 }, spec: { deployer: 'Generic', raw } } as Description;
  const group = new Group({ namespace: 'ns', name: 'app-generic' });
  group.update([description]);
  const [object] = group.objects.values();
  if (!object) throw new Error('the object is missing');
  const groups = new Groups();
  groups.add(group);
  object.applied = { hash: 'old', uid: 'u1', adopted: false, target };
  groups.track(group, object, target);
  return { groups, group, object };
}

function answered(object: TrackedObject, state: KubeObject): void {
  object.applied = { hash: object.hash, uid: 'u1', adopted: false, target };
  noteLive(object, state, contentHash(state));
  noteSuccess(object);
}

function seen(groups: Groups, state: KubeObject, previous?: KubeObject): unknown {
  const change: Change<KubeObject> = {
    type: 'modified',
    key: 'shop/a',
    object: toLiveObject(state, true),
    previous: toLiveObject(previous ?? live('1'), true),
  };
  return groups.observe(core.configMaps, change, true);
}

describe('an answer of the child and its watch', () => {
  it('do not make an object be looked at when both tell of one state, whichever comes first', () => {
    const { groups, object } = applying();
    seen(groups, live('7'));
    answered(object, live('7'));
    expect(isDone(object)).toBe(true);
    expect(seen(groups, live('7'))).toBeUndefined();
    expect(isDone(object)).toBe(true);
  });

  it('do not lose a status that the watch told before the answer came', () => {
    const { groups, object } = applying();
    seen(groups, live('7'));
    seen(groups, live('8', { status: { ready: true } }));
    answered(object, live('7'));
    expect(object).toMatchObject({ status: { ready: true }, version: '8' });
  });

  it('do not hide a change by somebody else that came before the answer', () => {
    const { groups, object } = applying();
    seen(groups, live('7'));
    seen(groups, live('8', { data: 'tampered' }));
    answered(object, live('7'));
    expect(isDone(object)).toBe(false);
  });

  it('go back together with a child that was restored from a backup', () => {
    const { groups, object } = applying();
    answered(object, live('900', { status: { replicas: 3 } }));
    seen(groups, live('400', { status: { replicas: 2 } }), live('900', { status: { replicas: 3 } }));
    expect(object).toMatchObject({ status: { replicas: 2 }, version: '400' });
  });
});
