// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { repositoryOf } from './chartRef.ts';
import { SourcePolicy } from './sourcePolicy.ts';

describe('SourcePolicy', () => {
  it.each([
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '::ffff:127.0.0.1',
    '169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    '0.0.0.0',
    'fd00:ec2::254',
    '100.100.100.200',
  ])('refuses %s', (address) => {
    expect(new SourcePolicy().allows(address)).toBe(false);
  });

  it.each(['10.0.0.7', '192.168.1.1', '93.184.216.34', '2606:2800:220:1::1'])('lets through %s', (address) => {
    expect(new SourcePolicy().allows(address)).toBe(true);
  });

  it('lets through what is allowed, and no more', () => {
    const policy = new SourcePolicy(['127.0.0.1', 'fe80::/16']);
    expect(['127.0.0.1', 'fe80::7', '127.0.0.2', '169.254.169.254'].map((one) => policy.allows(one))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(() => new SourcePolicy(['nowhere'])).toThrow('"nowhere" is neither an IP address nor a range');
    expect(() => new SourcePolicy(['10.0.0.0/40'])).toThrow('neither an IP address nor a range');
  });

  it('judges names by the address they are at', async () => {
    const look = (policy: SourcePolicy): Promise<unknown> =>
      new Promise((resolve) => policy.lookup('localhost', { all: true }, (error, found) => resolve(error?.message ?? found)));
    expect(await look(new SourcePolicy())).toMatch(
      /charts are not fetched from localhost is at (127\.0\.0\.1|::1), which is an address of the machine itself/,
    );
    expect(await look(new SourcePolicy(['127.0.0.0/8', '::1']))).toContainEqual(
      expect.objectContaining({ address: expect.any(String) }),
    );
  });
});

describe('repositoryOf', () => {
  it('tells repositories and registries apart', () => {
    expect(repositoryOf({ repo: 'https://charts.example.com/stable', chart: 'web' })).toEqual({
      type: 'http',
      base: new URL('https://charts.example.com/stable/'),
    });
    expect(repositoryOf({ repo: 'oci://ghcr.io/org/charts', chart: 'web' })).toEqual({
      type: 'oci',
      registry: new URL('https://ghcr.io/'),
      path: 'org/charts/web',
    });
    expect(repositoryOf({ repo: 'oci://10.0.0.1:5000', chart: 'web', plainHTTP: true })).toMatchObject({
      registry: new URL('http://10.0.0.1:5000/'),
    });
  });

  it.each([
    ['file:///etc', 'web', /http, https or oci/],
    ['://charts', 'web', /http, https or oci/],
    ['ftp://host/x', 'web', /http, https or oci/],
    ['https://user:word@host', 'web', /must not contain credentials/],
    ['https://host', '../web', /not a name of a chart/],
    ['https://host', '-web', /not a name of a chart/],
    ['https://host', 'we b', /not a name of a chart/],
  ])('refuses %s and chart %s', (repo, chart, message) => {
    expect(() => repositoryOf({ repo, chart })).toThrow(message);
  });
});
