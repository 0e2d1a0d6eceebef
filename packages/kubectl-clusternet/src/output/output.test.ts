// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { describeError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import { duration } from './age.ts';
import { coloursFor } from './colours.ts';
import { printedObjects } from './print.ts';
import { table } from './table.ts';

describe('output', () => {
  it('aligns columns, colours or not', () => {
    const { good } = coloursFor({ isTTY: true }, {});
    expect(
      table(
        ['NAME', 'READY', 'AGE'],
        [
          ['a', good('True'), '1s'],
          ['long-name', '', '2d'],
        ],
      ),
    ).toBe(`NAME        READY   AGE\na           ${good('True')}    1s\nlong-name           2d\n`);
  });

  it('has colours on a terminal only, and not where NO_COLOR is set', () => {
    expect(coloursFor({ isTTY: true }, {}).bad('x')).toBe('\x1b[31mx\x1b[0m');
    expect(coloursFor({ isTTY: true }, { NO_COLOR: '1' }).bad('x')).toBe('x');
    expect(coloursFor({ isTTY: false }, {}).bad('x')).toBe('x');
  });

  it.each([
    [45_000, '45s'],
    [119_000, '119s'],
    [310_000, '5m10s'],
    [300_000, '5m'],
    [45 * 60_000, '45m'],
    [5.5 * 3_600_000, '5h30m'],
    [30 * 3_600_000, '30h'],
    [52 * 3_600_000, '2d4h'],
    [400 * 86_400_000, '400d'],
    [3 * 365 * 86_400_000, '3y'],
    [NaN, '<unknown>'],
    [-5_000, '0s'],
  ])('writes %d ms as %s, as kubectl does', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('prints objects as JSON, YAML and names', async () => {
    const objects = [{ kind: 'ConfigMap', metadata: { name: 'a' } }];
    expect(await printedObjects(objects, { format: 'name', resource: 'configmap' })).toBe('configmap/a\n');
    expect(JSON.parse((await printedObjects(objects, { format: 'json', resource: 'x' })) ?? '')).toMatchObject({
      kind: 'List',
      items: objects,
    });
    expect(await printedObjects(objects, { format: 'yaml', resource: 'x', single: true })).toBe(
      'kind: ConfigMap\nmetadata:\n  name: a\n',
    );
    expect(await printedObjects(objects, { format: 'wide', resource: 'x' })).toBeUndefined();
  });
});

describe('suggest', () => {
  it.each([
    ['gte', 'get'],
    ['descirbe', 'describe'],
    ['cluster', 'clusters'],
    ['join', 'join-command'],
    ['aply', 'apply'],
    ['frobnicate', undefined],
  ])('%s: %s', (typed, meant) => {
    expect(suggest(typed)).toBe(meant);
  });
});

describe('describeError', () => {
  it('words errors as kubectl does', () => {
    const error = Object.assign(new Error('configmaps "a" not found'), { name: 'ApiError', reason: 'NotFound', status: 404 });
    expect(describeError(error)).toBe('Error from server (NotFound): configmaps "a" not found');
    expect(describeError(new Error('no such file'))).toBe('error: no such file');
    expect(describeError(Object.assign(error, { status: 401 }))).toContain('must be logged in');
  });
});
