// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { versions } from '../versions.ts';
import { parseVersion, refusal } from './acceptable.ts';

describe('parseVersion', () => {
  it.each([
    ['Kubernetes v1.35.4', [1, 35, 4]],
    ['etcd Version: 3.6.5\nGit SHA: 1', [3, 6, 5]],
    ['v3.20.2+g8fb76d6', [3, 20, 2]],
    ['Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0', [1, 32, 4]],
    ['no version here', undefined],
  ])('finds the first version in %j', (output, expected) => {
    expect(parseVersion(output)).toEqual(expected);
  });
});

describe('refusal', () => {
  it('takes parts of the control plane of the pinned minor only', () => {
    const [major, minor] = versions.kubernetes.split('.').map(Number) as [number, number];
    expect(refusal('kube-apiserver', `Kubernetes v${major}.${minor}.99`)).toBeUndefined();
    expect(refusal('kube-apiserver', `Kubernetes v${major}.${minor - 1}.0`)).toContain(`${major}.${minor} is needed`);
    expect(refusal('kube-scheduler', `Kubernetes v${major}.${minor + 1}.0`)).toContain(`${major}.${minor} is needed`);
  });

  it('takes clients and helpers that are recent enough', () => {
    expect(refusal('kubectl', 'Client Version: v1.32.4')).toBeUndefined();
    expect(refusal('kubectl', 'Client Version: v1.20.0')).toContain('at least 1.28');
    expect(refusal('helm', 'v4.0.1')).toBeUndefined();
    expect(refusal('helm', 'v2.17.0')).toContain('at least 3.14');
    expect(refusal('etcd', 'etcd Version: 3.4.0')).toContain('at least 3.5');
    expect(refusal('kwok', 'kwok version v0.7.0')).toBeUndefined();
  });

  it('refuses what tells no version', () => {
    expect(refusal('kwok', 'hello')).toBe('tells no version');
  });
});
