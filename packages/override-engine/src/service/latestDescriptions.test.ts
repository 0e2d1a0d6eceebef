// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Description } from '@clusternet/api-types';
import { type Change } from '@clusternet/runtime';
import { descriptionOf } from '../render/descriptionOf.ts';
import { base, dedicated } from '../testing/objects.ts';
import { baseKeyOf, LatestDescriptions } from './latestDescriptions.ts';

const key = `${dedicated}/app-generic`;

function state(version: number, o: { generation?: number; uid?: string } = {}): Description {
  const made = descriptionOf(base('app', []), { name: 'app-generic', spec: { deployer: 'Generic' } });
  const { generation = version, uid = 'one' } = o;
  return { ...made, metadata: { ...made.metadata, uid, generation, resourceVersion: String(version) } };
}

/** The notes beside an informer that shows what a test tells it to. */
function setUp(): { latest: LatestDescriptions; see: (object: Description, type?: Change<Description>['type']) => boolean } {
  let informed: Description | undefined;
  const latest = new LatestDescriptions({ byIndex: () => (informed ? [informed] : []) });
  const see = (object: Description, type: Change<Description>['type'] = 'modified'): boolean => {
    informed = type === 'deleted' ? undefined : object;
    return latest.seen({ type, key, object });
  };
  return { latest, see };
}

const versions = (latest: LatestDescriptions): (string | undefined)[] =>
  latest.of(`${dedicated}/app`).map(({ metadata }) => metadata.resourceVersion);

describe('LatestDescriptions', () => {
  it('shows a write before the informer does, and knows its echo', () => {
    const { latest, see } = setUp();
    latest.wrote(state(5));
    expect(versions(latest)).toEqual(['5']);
    expect(latest.isAhead(key)).toBe(true);
    expect(see(state(5), 'added')).toBe(true);
    expect(latest.isAhead(key)).toBe(false);
    expect(see(state(6))).toBe(false);
    expect(versions(latest)).toEqual(['6']);
  });

  it('lets no older state hide a write', () => {
    const { latest, see } = setUp();
    see(state(4), 'added');
    latest.wrote(state(10));
    expect(see(state(9))).toBe(false);
    expect(versions(latest)).toEqual(['10']);
    expect(see(state(10))).toBe(true);
  });

  it('takes a live state with a newer status for newer, though its generation is the same', () => {
    const { latest, see } = setUp();
    see(state(4, { generation: 1 }), 'added');
    latest.wrote(state(7, { generation: 1 }));
    expect(versions(latest)).toEqual(['7']);
  });

  it('takes for no echo what holds more than the write', () => {
    const { latest, see } = setUp();
    latest.wrote(state(5, { generation: 1 }));
    expect(see(state(6, { generation: 1 }))).toBe(false);
    expect(versions(latest)).toEqual(['6']);
  });

  it('follows an object that took the place of another one', () => {
    const { latest, see } = setUp();
    see(state(4), 'added');
    latest.wrote(state(9, { uid: 'two' }));
    expect(versions(latest)).toEqual(['9']);
    expect(see(state(4), 'deleted')).toBe(false);
    expect(versions(latest)).toEqual(['9']);
    expect(see(state(12, { uid: 'three' }), 'added')).toBe(false);
    expect(versions(latest)).toEqual(['12']);
  });

  it('forgets a write whose object is gone', () => {
    const { latest, see } = setUp();
    latest.wrote(state(5));
    expect(see(state(6), 'deleted')).toBe(false);
    expect(versions(latest)).toEqual([]);
    latest.wrote(state(8));
    latest.forget(key);
    expect(versions(latest)).toEqual([]);
  });

  it('shows the writes of one Base only', () => {
    const { latest } = setUp();
    latest.wrote(state(5));
    expect(latest.of(`${dedicated}/other`)).toEqual([]);
  });
});

describe('baseKeyOf', () => {
  const named = (name: string, ownerReferences?: Description['metadata']['ownerReferences']): Description => ({
    ...state(1),
    metadata: { name, namespace: dedicated, ownerReferences },
  });

  it('is the owner', () => {
    expect(baseKeyOf(state(1))).toBe(`${dedicated}/app`);
    expect(baseKeyOf(named('app-helm', state(1).metadata.ownerReferences))).toBe(`${dedicated}/app`);
  });

  it('is in the name when the owner reference is lost', () => {
    expect(baseKeyOf(named('app-generic'))).toBe(`${dedicated}/app`);
    expect(baseKeyOf(named('app-generic-3'))).toBe(`${dedicated}/app`);
    expect(baseKeyOf(named('app-helm'))).toBeUndefined();
  });
});
