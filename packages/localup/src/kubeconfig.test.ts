// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { kubeconfigYaml } from './kubeconfig.ts';

const base = { name: 'edge', server: 'https://127.0.0.1:1', caPem: 'CA' };

describe('kubeconfigYaml', () => {
  it('names cluster, user and context alike and makes the context current', () => {
    const config = parse(kubeconfigYaml({ ...base, user: { tokenFile: '/token' }, namespace: 'apps' })) as unknown;
    expect(config).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'edge', cluster: { server: base.server, 'certificate-authority-data': 'Q0E=' } }],
      users: [{ name: 'edge', user: { tokenFile: '/token' } }],
      contexts: [{ name: 'edge', context: { cluster: 'edge', user: 'edge', namespace: 'apps' } }],
      'current-context': 'edge',
    });
  });

  it('embeds client certificates', () => {
    const yaml = kubeconfigYaml({ ...base, user: { certificate: { cert: 'C', key: 'K' } } });
    const { users } = parse(yaml) as { users: { user: unknown }[] };
    expect(users[0]?.user).toEqual({ 'client-certificate-data': 'Qw==', 'client-key-data': 'Sw==' });
  });
});
