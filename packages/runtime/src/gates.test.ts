// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { FeatureGates } from './gates.ts';

const known = { AppPusher: false, Recovery: true };

describe('FeatureGates', () => {
  it('has its defaults without a text', () => {
    expect(FeatureGates.parse(undefined, known).toJSON()).toEqual(known);
    expect(FeatureGates.parse('', known).enabled('Recovery')).toBe(true);
  });

  it('takes what the text says', () => {
    expect(FeatureGates.parse(' AppPusher=true, Recovery=false,', known).toJSON()).toEqual({ AppPusher: true, Recovery: false });
  });

  it.each([
    ['AppPushr=true', /unknown feature gate "AppPushr"; did you mean AppPusher\?/],
    ['AppPusher', /AppPusher=true or AppPusher=false/],
    ['AppPusher=yes', /AppPusher=true or AppPusher=false/],
    ['toString=true', /unknown feature gate/],
  ])('refuses %s', (text, message) => {
    expect(() => FeatureGates.parse(text, known)).toThrow(message);
  });

  it('does not take a gate that nobody declared for off', () => {
    expect(() => FeatureGates.parse('', known).enabled('Recovry')).toThrow('not declared');
  });
});
