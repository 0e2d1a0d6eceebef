// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { findCidrFlag, isCidrList, type ControlPlanePod } from './cidr.ts';

function pod(container: { command?: string[]; args?: string[] }): ControlPlanePod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [container] } };
}

const flag = '--service-cluster-ip-range';

describe('findCidrFlag', () => {
  it('reads --flag=value', () => {
    expect(findCidrFlag([pod({ command: ['kube-apiserver', `${flag}=10.96.0.0/12`] })], flag)).toBe('10.96.0.0/12');
  });

  it('reads --flag value without crashing, also where the value is missing', () => {
    expect(findCidrFlag([pod({ command: ['kube-apiserver', flag, '10.96.0.0/12'] })], flag)).toBe('10.96.0.0/12');
    expect(findCidrFlag([pod({ command: ['kube-apiserver'], args: [flag] })], flag)).toBeUndefined();
    expect(findCidrFlag([pod({ command: ['kube-apiserver', flag, '--v=2'] })], flag)).toBeUndefined();
  });

  it('reads the flag inside a shell line', () => {
    expect(findCidrFlag([pod({ args: ['-c', `exec kube-apiserver --v=2 ${flag}=fd00::/108 2>&1`] })], flag)).toBe('fd00::/108');
  });

  it('keeps a dual-stack list', () => {
    expect(findCidrFlag([pod({ args: [`${flag}=10.96.0.0/12,fd00::/108`] })], flag)).toBe('10.96.0.0/12,fd00::/108');
  });

  it('passes over pods without it and values that are no CIDR', () => {
    const pods = [
      pod({}),
      pod({ args: [`${flag}=$(RANGE)`] }),
      pod({ args: [`${flag}-extra=1.2.3.4/8`] }),
      pod({ args: [`${flag}=10.0.0.0/16`] }),
    ];
    expect(findCidrFlag(pods, flag)).toBe('10.0.0.0/16');
    expect(findCidrFlag([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'empty' } }], flag)).toBeUndefined();
  });
});

describe('isCidrList', () => {
  it.each([
    ['10.0.0.0/8', true],
    ['10.0.0.0/8,fd00::/64', true],
    ['10.0.0.0', false],
    ['10.0.0.0/33', false],
    ['', false],
    ['10.0.0.0/8,', false],
    ['10.0.0.0/8/8', false],
  ])('%s: %s', (text, expected) => {
    expect(isCidrList(text)).toBe(expected);
  });
});
