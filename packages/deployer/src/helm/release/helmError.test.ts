// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { helmErrorOf } from './helmError.ts';

const nested = 'template: deep/templates/a.yaml:1:22: executing "deep" at <include "deep" .>: error calling include: ';

describe('helmErrorOf', () => {
  it.each<[string, string, string | RegExp]>([
    ['the error without warnings', 'WARNING: x\nError: INSTALLATION FAILED: why\n', 'INSTALLATION FAILED: why'],
    ['text that is no error', 'killed', 'killed'],
    ['silence', '  ', 'helm failed without a word'],
    ['the end of a long one', `Error: begin ${'x'.repeat(100_000)} end`, /^begin x+ … x+ end$/],
    [
      'what a template that includes itself leads to',
      `Error: INSTALLATION FAILED: ${nested.repeat(1000)}rendering template has a nested reference name: deep`,
      /^INSTALLATION FAILED: template: .{1,400} has a nested reference name: deep$/,
    ],
    [
      'the same cut off at its beginning',
      `deep" .>: ${nested.repeat(700)}nested reference name: deep`,
      /^deep.{1,300} reference name: deep$/,
    ],
  ])('tells %s', (_, stderr, expected) => {
    const message = helmErrorOf(stderr);
    if (typeof expected === 'string') expect(message).toBe(expected);
    else expect(message).toMatch(expected);
    expect(message.length).toBeLessThanOrEqual(1_510);
  });
});
