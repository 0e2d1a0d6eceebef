// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { parseClusterLabels } from './clusterLabels.ts';
import { labels } from './wellKnown.ts';

describe('parseClusterLabels', () => {
  it('reads pairs, with prefixes, spaces around and empty values', () => {
    expect(parseClusterLabels('region=eu, example.org/tier=gold ,edge=')).toEqual({
      region: 'eu',
      'example.org/tier': 'gold',
      edge: '',
    });
    expect(parseClusterLabels('')).toEqual({});
  });

  it.each([
    ['region', '"region" must have the form key=value'],
    ['a=b=c', '"a=b=c" must have the form key=value'],
    ['a=b,,c=d', '"" must have the form key=value'],
    ['=b', '"" is not a valid label key'],
    ['-a=b', '"-a" is not a valid label key'],
    ['Bad_Prefix/a=b', '"Bad_Prefix/a" is not a valid label key'],
    ['a=b c', '"b c" is not a valid value for label a'],
    [`a=${'x'.repeat(64)}`, 'is not a valid value for label a'],
    ['a=b,a=c', 'label a is given twice'],
    [`${labels.clusterId}=other`, 'is set by Clusternet itself'],
  ])('refuses %s', (text, message) => {
    expect(() => parseClusterLabels(text)).toThrow(message);
  });
});
