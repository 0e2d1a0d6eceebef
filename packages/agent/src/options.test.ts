// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { agentConfig } from './config.ts';
import { resolveOptions } from './options.ts';

const valid = { clusterRegParentUrl: 'https://parent:6443', clusterRegToken: '07401b.f395accd246ae52d' };

function resolve(flags: Record<string, unknown>, gates: string[] = [], env: Record<string, string> = {}) {
  return resolveOptions({ config: agentConfig.parse(flags), gates: { enabled: (name) => gates.includes(name) }, env });
}

describe('resolveOptions', () => {
  it('takes the defaults of the specification', () => {
    expect(resolve(valid)).toMatchObject({
      namePrefix: 'clusternet-cluster',
      type: 'StandardCluster',
      syncMode: 'Pull',
      labels: {},
      collectFrequencyMs: 20_000,
      updateFrequencyMs: 180_000,
      appPusher: false,
    });
  });

  it('takes CIDRs from the environment', () => {
    expect(resolve(valid, [], { CLUSTER_CIDR: '10.0.0.0/8', SERVICE_CIDR: '10.96.0.0/12' })).toMatchObject({
      clusterCidr: '10.0.0.0/8',
      serviceCidr: '10.96.0.0/12',
    });
  });

  it('lists every problem at once', () => {
    const message = messageOf(() => resolve({ clusterLabels: 'a' }));
    expect(message).toContain('--cluster-reg-parent-url: is required');
    expect(message).toContain('--cluster-labels: "a" must have the form key=value');
    expect(message).toContain('a registration token is required');
  });

  it.each([
    [{ clusterRegParentUrl: 'http://parent' }, 'must be an https:// URL'],
    [{ clusterRegParentUrl: 'https://user:pass@parent' }, 'must not contain credentials'],
    [{ clusterRegToken: 'x07401b.f395accd246ae52dx' }, 'neither a bootstrap token nor'],
    [{ clusterRegTokenFile: '/some/file' }, 'exclude each other'],
    [{ clusterRegParentCa: 'bm8=' }, 'holds no PEM certificate'],
    [{ clusterRegParentInsecure: true, clusterRegParentCaFile: '/ca' }, 'makes no sense with a CA'],
    [{ clusterSyncMode: 'Push' }, 'needs --feature-gates=AppPusher=true'],
    [{ visitors: true }, '--visitors needs --feature-gates=SocketConnection=true'],
    [{ tunnelAllow: ['10.0.0.1/8'] }, '--tunnel-allow: "10.0.0.1/8" has bits beyond its prefix length'],
  ])('refuses %j', (flags, message) => {
    expect(() => resolve({ ...valid, ...flags })).toThrow(message);
  });

  it('never repeats the token', () => {
    expect(messageOf(() => resolve({ ...valid, clusterRegToken: 'secret-of-wrong-form', clusterLabels: 'a' }))).not.toContain(
      'secret-of-wrong-form',
    );
  });

  it('allows Push with AppPusher and refuses gates this version lacks', () => {
    expect(resolve({ ...valid, clusterSyncMode: 'Push' }, ['AppPusher']).syncMode).toBe('Push');
    expect(() => resolve(valid, ['MultiClusterService'])).toThrow('MultiClusterService is not available in this version');
  });

  it('knows where predictions come from', () => {
    expect(resolve(valid, ['SocketConnection']).predictor).toBeUndefined();
    expect(resolve(valid, ['SocketConnection', 'Predictor']).predictor).toEqual({ port: 8080 });
    const external = { ...valid, predictorAddr: 'https://predictor.example/base/' };
    expect(resolve(external, ['SocketConnection', 'Predictor']).predictor).toEqual({
      address: 'https://predictor.example/base',
      direct: false,
    });
    expect(resolve({ ...external, predictorDirectAccess: true }, ['Predictor']).predictor).toMatchObject({ direct: true });
  });

  it.each([
    [{}, ['Predictor'], 'feature gate Predictor needs SocketConnection=true'],
    [{ predictorAddr: 'ftp://x' }, ['Predictor', 'SocketConnection'], '--predictor-addr: must be an http:// or https:// URL'],
    [
      { predictorAddr: 'http://u:p@x' },
      ['Predictor', 'SocketConnection'],
      '--predictor-addr: must be an http:// or https:// URL',
    ],
    [{ predictorDirectAccess: true }, ['Predictor', 'SocketConnection'], 'is required with --predictor-direct-access'],
    [{ labelsAggregatePrefix: ['=x'] }, [], '--labels-aggregate-prefix: "=x" must be the start of a label key'],
  ])('refuses %j with %j', (flags, gates, message) => {
    expect(() => resolve({ ...valid, ...flags }, gates)).toThrow(message);
  });

  it('keeps the tunnel off, and what it reaches to the API server, unless told otherwise', () => {
    expect(resolve(valid)).toMatchObject({ socketConnection: false, tunnelAllow: [], tunnelLogging: false, visitors: false });
    const flags = { tunnelAllow: ['10.0.0.0/8', '10.0.0.1:443'], visitors: true };
    const options = resolve({ ...valid, ...flags }, ['SocketConnection']);
    expect(options).toMatchObject({ socketConnection: true, visitors: true, tunnelReconnectMaxMs: 30_000 });
    expect(options.tunnelAllow.map(({ port }) => port)).toEqual([undefined, 443]);
  });

  it('reads token and CA from their files each time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agent-'));
    try {
      const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
      const { parent } = resolve({
        clusterRegParentUrl: valid.clusterRegParentUrl,
        clusterRegTokenFile: tokenFile,
        clusterRegParentCaFile: caFile,
      });
      await expect(parent.token()).rejects.toMatchObject({ reason: 'InputUnreadable' });
      await writeFile(tokenFile, `${valid.clusterRegToken}\n`);
      await writeFile(caFile, '-----BEGIN CERTIFICATE-----\n');
      expect(await parent.token()).toBe(valid.clusterRegToken);
      expect(await parent.ca()).toContain('CERTIFICATE');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('agentConfig', () => {
  it.each([
    { clusterRegName: 'x'.repeat(61) },
    { clusterRegName: 'A_b!' },
    { clusterRegNamePrefix: 'x'.repeat(55) },
    { clusterRegNamespace: 'has.dot' },
    { clusterRegType: 'Other' },
    { clusterSyncMode: 'push' },
  ])('refuses %j', (flags) => {
    expect(agentConfig.safeParse(flags).success).toBe(false);
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}
