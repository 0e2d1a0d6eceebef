// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Discovery, resourceDefinition } from '@clusternet/client';
import { apiKindsOf, mostKinds } from './apiKinds.ts';

function discovery(served: Record<string, string[]>, stale: string[] = []): Discovery {
  const versions = Object.entries(served).map(([apiVersion, kinds]) => {
    const named = kinds.map((kind) => [kind, resourceDefinition(apiVersion, kind, `${kind.toLowerCase()}s`, true)] as const);
    return [apiVersion, new Map(named)] as const;
  });
  return { versions: new Map(versions), stale };
}

describe('apiKindsOf', () => {
  it('tells of what is not of Kubernetes itself, in each of its versions, in an order that does not change', () => {
    const seen = discovery({
      v1: ['Pod'],
      'apps/v1': ['Deployment'],
      'example.com/v2': ['Farm', 'Barn'],
      'example.com/v1': ['Farm'],
      'gateway.networking.k8s.io/v1': ['Gateway'],
    });
    expect(apiKindsOf(seen, undefined)).toEqual([
      'example.com/v1/Farm',
      'example.com/v2/Barn',
      'example.com/v2/Farm',
      'gateway.networking.k8s.io/v1/Gateway',
    ]);
    expect(apiKindsOf(discovery({ v1: ['Pod'] }), ['example.com/v1/Farm'])).toEqual([]);
  });

  it('keeps what an API server served that does not answer', () => {
    const before = ['metrics.k8s.io/v1beta1/PodMetrics', 'other.io/v1/Gone'];
    expect(apiKindsOf(discovery({}, ['metrics.k8s.io/v1beta1']), before)).toEqual(['metrics.k8s.io/v1beta1/PodMetrics']);
    expect(apiKindsOf(discovery({}, ['metrics.k8s.io/v1beta1']), undefined)).toEqual([]);
  });

  it('tells of none where there are too many', () => {
    const kinds = Array.from({ length: mostKinds + 1 }, (_, i) => `Kind${i}`);
    expect(apiKindsOf(discovery({ 'example.com/v1': kinds }), undefined)).toBeUndefined();
    expect(apiKindsOf(discovery({ 'example.com/v1': kinds.slice(1) }), undefined)).toHaveLength(mostKinds);
  });
});
