// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { parseTarget } from './target.ts';

const tcp = (host: unknown, port: unknown = 443) => JSON.stringify({ to: 'tcp', host, port });

describe('parseTarget', () => {
  it('reads both kinds', () => {
    expect(parseTarget('{"to":"direct"}')).toEqual({ to: 'direct' });
    expect(parseTarget(tcp('web.shop.svc'))).toEqual({ to: 'tcp', host: 'web.shop.svc', port: 443 });
  });

  it.each(['10.0.0.1', 'fd00::1', '::ffff:127.0.0.1', 'localhost', 'a_b.example.com', 'example.com.', 'x--y.example'])(
    'takes the host %j',
    (host) => expect(parseTarget(tcp(host))).toMatchObject({ host }),
  );

  it('takes an IPv6 address in brackets', () => {
    expect(parseTarget(tcp('[fd00::1]'))).toMatchObject({ host: 'fd00::1' });
  });

  it.each([
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.01',
    '127.0.0.1.',
    '[127.0.0.1]',
    '[localhost]',
    '[]',
    'fe80::1%eth0',
    '256.0.0.1',
    '',
    '.',
    'a..b',
    '-a.example',
    'a b',
    'a/b',
    'a@b',
    'a:80',
    'a%2eb',
    'a\u0000b',
    'a\r\nHost: b',
    '\u2460.example',
    'x'.repeat(64),
    `${'a.'.repeat(126)}aa`,
    17,
    undefined,
  ])('does not take the host %j', (host) => {
    expect(() => parseTarget(tcp(host))).toThrow(expect.objectContaining({ name: 'DialError', code: 'INVALID' }));
  });

  it.each([0, -1, 65_536, 1.5, '443', null])('does not take the port %j', (port) => {
    expect(() => parseTarget(tcp('a', port))).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  it.each(['', 'direct', 'null', '[]', '{}', '{"to":"info"}', '{"to":"file","host":"a","port":1}', '{"to":["direct"]}'])(
    'does not take %j',
    (text) => expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'INVALID' })),
  );
});
