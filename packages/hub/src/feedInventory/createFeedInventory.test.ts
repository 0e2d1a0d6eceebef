// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it, jest } from '@jest/globals';
import { type Manifest, type ResourceDefinition } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { type Informer, Metrics, silentLogger } from '@clusternet/runtime';
import { fakeContext } from '../testing/context.ts';
import { createFeedInventory } from './createFeedInventory.ts';

/** An API server without objects that tells what is watched. */
function emptyServer(): { client: KubeClient; watched: Set<string> } {
  const watched = new Set<string>();
  const resource = ({ resource: name }: ResourceDefinition) => ({
    list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: [] }),
    async *watch({ signal }: { signal: AbortSignal }) {
      watched.add(name);
      yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1' } } };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  });
  return { client: { resource } as unknown as KubeClient, watched };
}

async function watchedFor(manifests?: Informer<Manifest>): Promise<string[]> {
  const { client, watched } = emptyServer();
  const { signal } = new AbortController();
  const shared = { client, reservedNamespace: 'kept', manifests, logger: silentLogger, metrics: new Metrics() };
  const controller = await createFeedInventory(fakeContext().context, shared, signal);
  await new Promise((resume) => setImmediate(resume));
  await controller.close();
  return [...watched].toSorted();
}

describe('what the inventory of feeds follows', () => {
  it('is all Manifests', async () => {
    expect(await watchedFor()).toEqual(['helmcharts', 'manifests']);
  });

  it('is no Manifest where somebody follows them already, and does not end that', async () => {
    const close = jest.fn<() => Promise<void>>();
    const shared = { waitForSync: () => Promise.resolve(), close, onChange: () => () => undefined };
    expect(await watchedFor(shared as unknown as Informer<Manifest>)).toEqual(['helmcharts']);
    expect(close).not.toHaveBeenCalled();
  });
});
