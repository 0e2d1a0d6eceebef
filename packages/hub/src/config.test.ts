// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { FeatureGates } from '@clusternet/runtime';
import { checkGates, hubConfig, hubGates } from './config.ts';

describe('the settings', () => {
  it('have the defaults that are promised', () => {
    expect(hubConfig.parse({})).toMatchObject({
      serviceName: 'clusternet-hub',
      reservedNamespace: 'clusternet-reserved',
      registrationApproval: 'auto',
      credentialLifetime: 720 * 3_600_000,
      allowClearCredentials: false,
    });
  });

  it('refuse a gate that has nothing behind it, by name', () => {
    expect(() => checkGates(FeatureGates.parse('FeedInUseProtection=true,Deployer=true', hubGates))).toThrow(
      'does not have FeedInUseProtection',
    );
    expect(() => checkGates(FeatureGates.parse('ClusterInit=false,Deployer=false', hubGates))).not.toThrow();
  });
});
