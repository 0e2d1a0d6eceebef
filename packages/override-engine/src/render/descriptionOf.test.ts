// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { labels } from '@clusternet/api-types';
import { base, dedicated } from '../testing/objects.ts';
import { descriptionOf } from './descriptionOf.ts';

const spec = { deployer: 'Generic' as const, raw: [] };

describe('descriptionOf', () => {
  it('is complete in one write: labels, owner, finalizer', () => {
    expect(descriptionOf(base('app-x2x4z', []), { name: 'app-x2x4z-generic', spec })).toEqual({
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Description',
      metadata: {
        name: 'app-x2x4z-generic',
        namespace: dedicated,
        labels: {
          'clusternet.io/created-by': 'clusternet-controller-manager',
          'apps.clusternet.io/config.kind': 'Base',
          'apps.clusternet.io/config.name': 'app-x2x4z',
          'apps.clusternet.io/config.namespace': dedicated,
          'apps.clusternet.io/config.uid': 'uid-app-x2x4z',
          'apps.clusternet.io/subs.name': 'app',
          'apps.clusternet.io/subs.uid': 'uid-app',
          'clusters.clusternet.io/cluster-id': 'id-1',
        },
        finalizers: ['apps.clusternet.io/finalizer'],
        ownerReferences: [
          {
            apiVersion: 'apps.clusternet.io/v1alpha1',
            kind: 'Base',
            name: 'app-x2x4z',
            uid: 'uid-app-x2x4z',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec,
    });
  });

  it('sets no name label for a name that no label can hold', () => {
    const name = 'a'.repeat(64);
    const { metadata } = descriptionOf(base(name, []), { name: `${name}-generic`, spec });
    expect(metadata.labels).not.toHaveProperty([labels.configName]);
    expect(metadata.labels).toMatchObject({ [labels.configUid]: `uid-${name}` });
  });
});
