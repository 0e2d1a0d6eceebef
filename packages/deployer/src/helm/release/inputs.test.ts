// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type HelmReleaseSpec } from '@clusternet/api-types';
import { installArguments, uninstallArguments, upgradeArguments } from './arguments.ts';
import { helmErrorOf } from './helmError.ts';
import { inputsHash, maxValuesBytes, releaseRefOf, valuesOf } from './inputs.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const spec: HelmReleaseSpec = { repo: 'https://c', chart: 'web', version: '1.0.0', targetNamespace: 'shop' };

describe('the inputs of a release', () => {
  it('are the same whatever has no part in what is installed', () => {
    const hash = inputsHash(spec);
    expect(
      inputsHash({
        ...spec,
        timeoutSeconds: 9,
        wait: true,
        atomic: true,
        upgradeAtomic: true,
        createNamespace: false,
        skipCRDs: false,
      }),
    ).toBe(hash);
    expect(inputsHash({ ...spec, overrides: base64('  ') })).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each<[string, Partial<HelmReleaseSpec>]>([
    ['repo', { repo: 'https://d' }],
    ['chart', { chart: 'api' }],
    ['version', { version: '1.0.1' }],
    ['values', { overrides: base64('{"a":1}') }],
    ['skipCRDs', { skipCRDs: true }],
    ['replaceCRDs', { replaceCRDs: true }],
    ['disableHooks', { disableHooks: true }],
    ['force', { force: true }],
  ])('differ by %s', (_, change) => {
    expect(inputsHash({ ...spec, ...change })).not.toBe(inputsHash(spec));
  });
});

describe('valuesOf', () => {
  it('gives the text as it is', () => {
    expect(valuesOf({ ...spec, overrides: base64(' {"big":12345678901234567890} ') })).toBe('{"big":12345678901234567890}');
    expect(valuesOf(spec)).toBe('{}');
  });

  it.each([
    ['nonsense', /values are not JSON/],
    ['[1]', /must be an object/],
    ['null', /must be an object/],
    [JSON.stringify({ text: 'x'.repeat(maxValuesBytes) }), /1000000 is the most that a release can have/],
  ])('refuses %.20s', (text, message) => {
    expect(() => valuesOf({ ...spec, overrides: base64(text) })).toThrow(message);
  });
});

it('a release is named as the HelmRelease says, or like it', () => {
  const release = { apiVersion: 'a', kind: 'HelmRelease', metadata: { name: 'app-helm-default-web' }, spec };
  expect(releaseRefOf(release)).toEqual({ name: 'app-helm-default-web', namespace: 'shop' });
  expect(releaseRefOf({ ...release, spec: { ...spec, releaseName: 'web' } })).toEqual({ name: 'web', namespace: 'shop' });
});

describe('the arguments of helm', () => {
  const ref = { name: 'web', namespace: 'shop' };
  const all: HelmReleaseSpec = {
    ...spec,
    timeoutSeconds: 7,
    wait: true,
    waitForJob: true,
    replace: true,
    atomic: true,
    upgradeAtomic: true,
    skipCRDs: true,
    disableHooks: true,
    force: true,
  };
  const given = (of: HelmReleaseSpec) => ({ spec: of, chart: '/c/web.tgz', labels: { a: 'b', c: 'd' } });
  const always = ['web', '/c/web.tgz', '--namespace', 'shop'];

  it('are the options of the spec, each where it belongs', () => {
    expect(installArguments(ref, given(spec))).toEqual([
      'install',
      ...always,
      '--timeout=300s',
      '--labels=a=b,c=d',
      '--create-namespace',
    ]);
    const common = ['--timeout=7s', '--labels=a=b,c=d', '--wait', '--wait-for-jobs', '--skip-crds', '--no-hooks'];
    expect(installArguments(ref, given(all))).toEqual([
      'install',
      ...always,
      ...common,
      '--create-namespace',
      '--atomic',
      '--replace',
    ]);
    expect(upgradeArguments(ref, given(all))).toEqual([
      'upgrade',
      ...always,
      ...common,
      '--reset-values',
      '--history-max=5',
      '--atomic',
      '--force',
    ]);
    expect(installArguments(ref, given({ ...spec, createNamespace: false }))).not.toContain('--create-namespace');
    expect(uninstallArguments(ref, all)).toEqual([
      'uninstall',
      'web',
      '--namespace',
      'shop',
      '--timeout=7s',
      '--ignore-not-found',
      '--wait',
    ]);
  });
});

describe('helmErrorOf', () => {
  it('takes the error from its last beginning on', () => {
    const text = 'WARNING: this chart is deprecated\nError: INSTALLATION FAILED: 2 errors occurred:\n\t* one\n\t* two\n';
    expect(helmErrorOf(text)).toBe('INSTALLATION FAILED: 2 errors occurred:\n\t* one\n\t* two');
    expect(helmErrorOf('Error: boom')).toBe('boom');
    expect(helmErrorOf('')).toBe('helm failed without a word');
    expect(helmErrorOf('x'.repeat(9_000)).length).toBeLessThan(1_600);
  });
});
