// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { expect, it } from '@jest/globals';
import { type Feed, feedKey, feedOf, type KubeObject } from '@clusternet/api-types';
import { ApiError, core } from '@clusternet/client';
import fc from 'fast-check';
import { configMap, eventually, Harness, namespaceObject, settle } from './testing/harness.ts';

const name = 'app-x2x4z-generic';
const namespace = 'shop';
const names = ['a', 'b', 'c', 'd'];
const failing = new ApiError('not now', { status: 500 });

const step = fc.oneof(
  fc.record({ type: fc.constant('render' as const), keep: fc.subarray(names), value: fc.nat(3) }),
  fc.record({ type: fc.constant('restart' as const) }),
  fc.record({
    type: fc.constant('fail' as const),
    object: fc.constantFrom(...names),
    verb: fc.constantFrom('apply', 'delete', 'get'),
  }),
  fc.record({ type: fc.constant('heal' as const) }),
  fc.record({ type: fc.constant('drop' as const), object: fc.constantFrom(...names) }),
  fc.record({ type: fc.constant('edit' as const), object: fc.constantFrom(...names) }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(30) }),
);

/** Renders as the engine does: what left the rendering stays listed until the deployer confirms the generation. */
function render(h: Harness, objects: KubeObject[]): void {
  const live = h.description(name);
  const wanted = new Set(objects.map((object) => feedKey(feedOf(object))));
  const confirmed = live?.status?.observedGeneration === live?.metadata.generation;
  const rendered = (live?.spec.raw ?? []).map((raw) => feedOf(JSON.parse(Buffer.from(raw, 'base64').toString()) as KubeObject));
  const left = [...(confirmed ? [] : (live?.spec.removed ?? [])), ...rendered].filter((feed) => !wanted.has(feedKey(feed)));
  h.describe(name, objects, { removed: [...new Map(left.map((feed): [string, Feed] => [feedKey(feed), feed])).values()] });
}

it('ends with exactly what was rendered last, whatever failed, restarted or was tampered with on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      await using h = new Harness();
      const options = { recovery: true };
      h.start(options);
      let wanted = new Map<string, string>();
      for (const s of steps) {
        if (s.type === 'render') {
          wanted = new Map(s.keep.map((object) => [object, String(s.value)]));
          render(h, [
            namespaceObject(namespace),
            ...s.keep.map((object) => configMap(namespace, object, { v: String(s.value) })),
          ]);
        } else if (s.type === 'restart') {
          await h.stop();
          h.start(options);
        } else if (s.type === 'fail') {
          h.child.refuse = ({ verb, name: object }) => (verb === s.verb && object === s.object ? failing : undefined);
        } else if (s.type === 'heal') h.child.refuse = () => undefined;
        else if (s.type === 'drop') h.child.drop(core.configMaps, s.object, namespace);
        else if (s.type === 'edit') {
          const live = h.child.peek(core.configMaps, s.object, namespace);
          if (live) h.child.put(core.configMaps, { ...live, data: { v: 'tampered' } });
        } else await settle(s.ms);
      }
      h.child.refuse = () => undefined;
      const state = (): Record<string, unknown> =>
        Object.fromEntries(
          names.flatMap((object) => {
            const live = h.child.peek(core.configMaps, object, namespace);
            return live ? [[object, (live['data'] as { v: string }).v]] : [];
          }),
        );
      const expected = Object.fromEntries(wanted);
      await eventually(() => {
        expect(state()).toEqual(expected);
        return true;
      }, 20);
      if (!h.description(name)) return;
      h.delete(name);
      await eventually(() => h.description(name) === undefined, 20);
      expect(state()).toEqual({});
    }),
    { numRuns: 25 },
  );
}, 300_000);
