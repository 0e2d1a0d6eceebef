// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { type Colours } from '../../output/colours.ts';

/** The differences between two sets of objects, by feed key, as unified diffs of their YAML; empty when there are none. */
export function contentDiff(
  before: ReadonlyMap<string, KubeObject>,
  after: ReadonlyMap<string, KubeObject>,
  { title, colours }: { title: string; colours: Colours },
): string {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys
    .map((key) => {
      const [a, b] = [before.get(key), after.get(key)].map((object) => (object === undefined ? '' : yamlOf(object)));
      if (a === b) return '';
      const patch = createTwoFilesPatch(`${title}/${key}`, `${title}/${key}`, a ?? '', b ?? '', undefined, undefined, {
        context: 3,
      });
      return paint(patch.replace(/^=+\n/, ''), colours);
    })
    .join('');
}

function yamlOf(object: KubeObject): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, sortMapEntries: true });
}

function paint(patch: string, colours: Colours): string {
  return patch
    .split('\n')
    .map((line) => (line.startsWith('+') ? colours.good(line) : line.startsWith('-') ? colours.bad(line) : line))
    .join('\n');
}
