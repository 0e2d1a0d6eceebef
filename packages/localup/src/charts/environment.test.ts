// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { containerEnvironment, type DataReader } from './environment.ts';
import { type Container } from './podTemplate.ts';

const pod = { name: 'hub', namespace: 'clusternet-system', serviceAccountName: 'hub', labels: { app: 'hub' } };
const read: DataReader = async (kind, name) =>
  name === 'settings' ? { level: Buffer.from(`${kind} level`), mode: Buffer.from('fast') } : undefined;

function environment(container: Partial<Container>): Promise<Record<string, string>> {
  return containerEnvironment({ name: 'main', image: 'main', ...container }, read, pod);
}

describe('containerEnvironment', () => {
  it('takes values from literals, fields, Secrets and ConfigMaps, and expands what came before', async () => {
    const variables = await environment({
      envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }],
      env: [
        { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'LEVEL', valueFrom: { secretKeyRef: { name: 'settings', key: 'level' } } },
        { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
        { name: 'ALL', value: '$(NAMESPACE)/$(S_mode)/$(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'EMPTY' },
      ],
    });
    expect(variables).toEqual({
      S_level: 'ConfigMap level',
      S_mode: 'fast',
      NAMESPACE: 'clusternet-system',
      APP: 'hub',
      LEVEL: 'Secret level',
      MODE: 'fast',
      ALL: 'clusternet-system/fast/$(LATER)',
      LATER: 'x',
      EMPTY: '',
    });
  });

  it('leaves out what is optional and not there', async () => {
    const variables = await environment({
      envFrom: [{ secretRef: { name: 'none', optional: true } }],
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'none', key: 'k', optional: true } } }],
    });
    expect(variables).toEqual({});
  });

  it('refuses what is not there and not optional', async () => {
    const withKey = (name: string): Promise<unknown> =>
      environment({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'k' } } }] });
    await expect(withKey('none')).rejects.toThrow('no Secret clusternet-system/none');
    await expect(withKey('settings')).rejects.toThrow('Secret settings has no key k');
  });

  it('refuses fields that a local process has not', async () => {
    const field = { fieldRef: { fieldPath: 'status.podIPs' } };
    await expect(environment({ env: [{ name: 'A', valueFrom: field }] })).rejects.toThrow('status.podIPs');
  });
});
