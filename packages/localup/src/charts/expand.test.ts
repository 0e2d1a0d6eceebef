// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { commandArguments, entrypointOf, expand, relocate, withFlags } from './expand.ts';

describe('expand', () => {
  const variables = { NAME: 'hub', EMPTY: '', NESTED: '$(NAME)' };

  it.each([
    ['--name=$(NAME)', '--name=hub'],
    ['$(NAME)-$(NAME)', 'hub-hub'],
    ['$(EMPTY)', ''],
    ['$(UNKNOWN)', '$(UNKNOWN)'],
    ['$$(NAME)', '$(NAME)'],
    ['$$$(NAME)', '$hub'],
    ['$(NESTED)', '$(NAME)'],
    ['$(toString)', '$(toString)'],
    ['$NAME $', '$NAME $'],
  ])('makes %j into %j', (text, expected) => {
    expect(expand(text, variables)).toBe(expected);
  });
});

describe('entrypointOf', () => {
  const entrypoints = { 'clusternet/clusternet-hub': '/hub.js' };

  it.each([
    ['clusternet/clusternet-hub', '/hub.js'],
    ['clusternet/clusternet-hub:v1', '/hub.js'],
    ['ghcr.io:443/clusternet/clusternet-hub:v1@sha256:00', '/hub.js'],
    ['ghcr.io/notclusternet/clusternet-hub:v1', undefined],
    ['clusternet/clusternet-hubs', undefined],
  ])('finds for %j %j', (image, expected) => {
    expect(entrypointOf(image, entrypoints)).toBe(expected);
  });
});

describe('commandArguments', () => {
  it.each([
    [undefined, []],
    [['/clusternet-hub'], []],
    [['/clusternet-hub', '--v=4'], ['--v=4']],
    [['node', '/app/main.js', '--v=4'], ['--v=4']],
    [['/nodejs/bin/node', '/app/main.js'], []],
  ])('finds in %j %j', (command, expected) => {
    expect(commandArguments(command)).toEqual(expected);
  });
});

describe('withFlags', () => {
  it('replaces what was said of the flags, in either form, and keeps the rest', () => {
    const args = ['serve', '--secure-port=443', '--v=2', '--bind-address', '0.0.0.0', '--verbose', 'yes'];
    expect(withFlags(args, { '--secure-port': '5', '--bind-address': '127.0.0.1' })).toEqual([
      'serve',
      '--v=2',
      '--verbose',
      'yes',
      '--secure-port=5',
      '--bind-address=127.0.0.1',
    ]);
  });
});

describe('relocate', () => {
  const folders = new Map([
    ['/etc/hub', '/here/hub'],
    ['/etc/hub/ca', '/here/ca'],
  ]);

  it.each([
    ['--ca=/etc/hub/ca/ca.crt', '--ca=/here/ca/ca.crt'],
    ['/etc/hub', '/here/hub'],
    ['/etc/hub/tls.crt:/etc/hub/tls.key', '/here/hub/tls.crt:/here/hub/tls.key'],
    ['/etc/hubble', '/etc/hubble'],
    ['/var/etc/hub', '/var/etc/hub'],
  ])('makes %j into %j', (text, expected) => {
    expect(relocate(text, folders)).toBe(expected);
  });
});
