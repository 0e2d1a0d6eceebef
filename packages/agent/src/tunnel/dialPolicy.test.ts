// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { mayDial, parseAllowRule } from './dialPolicy.ts';

const rules = (...texts: string[]) => texts.map(parseAllowRule);
const allowed = (address: string, port: number, ...texts: string[]) => mayDial(address, port, rules(...texts)).allowed;

/** As much as can be allowed without naming single addresses. */
const everything = ['0.0.0.0/0', '::/0'];

/** Each with the name of the group that its refusal gives. */
const specials: [address: string, kind: string][] = [
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['169.254.169.254', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:0ec2:0:0:0:0:0:254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['fd00:42::42', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['169.254.0.1', 'link-local'],
  ['169.254.255.255', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf:ffff::1', 'link-local'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
];

const specialIpv4 = specials.filter(([address]) => address.includes('.'));

describe('mayDial', () => {
  it('lets nothing pass without a rule', () => {
    for (const address of ['10.0.0.1', '192.168.1.1', '8.8.8.8', '127.0.0.1', '2001:db8::1', 'fd00::1', '::1']) {
      expect(allowed(address, 443)).toBe(false);
    }
  });

  it('lets pass what a rule holds, to the last address, and nothing beyond', () => {
    for (const [address, expected] of [
      ['10.0.0.0', true],
      ['10.255.255.255', true],
      ['9.255.255.255', false],
      ['11.0.0.0', false],
      ['::ffff:10.1.2.3', true],
      ['::ffff:a01:203', true],
      ['::ffff:11.0.0.1', false],
    ] as const) {
      expect([address, allowed(address, 443, '10.0.0.0/8')]).toEqual([address, expected]);
    }
    for (const [address, expected] of [
      ['fd12:3456::', true],
      ['fd12:3456:ffff:ffff:ffff:ffff:ffff:ffff', true],
      ['fd12:3457::', false],
      ['fd12:3455:ffff::', false],
      ['10.0.0.1', false],
    ] as const) {
      expect([address, allowed(address, 443, 'fd12:3456::/32')]).toEqual([address, expected]);
    }
  });

  it('takes a mapped range for the IPv4 range that it is', () => {
    expect(allowed('10.1.2.3', 443, '::ffff:10.0.0.0/104')).toBe(true);
    expect(allowed('11.1.2.3', 443, '::ffff:10.0.0.0/104')).toBe(false);
    expect(allowed('::ffff:8.8.8.8', 443, '::/0')).toBe(false);
  });

  it('keeps to the port of a rule', () => {
    for (const rule of ['10.0.0.0/8:443', '[10.0.0.0/8]:443']) {
      expect(allowed('10.0.0.1', 443, rule)).toBe(true);
      expect(allowed('10.0.0.1', 80, rule)).toBe(false);
    }
    for (const rule of ['[fd00::1]:443', '[fd00::1/128]:443', 'fd00::1/128:443']) {
      expect(allowed('fd00::1', 443, rule)).toBe(true);
      expect(allowed('fd00::1', 4430, rule)).toBe(false);
      expect(allowed('fd00::2', 443, rule)).toBe(false);
    }
  });

  it.each(specials)('lets no wide rule reach %s, %s', (address, kind) => {
    const verdict = mayDial(address, 80, rules(...everything));
    expect(verdict).toEqual({ allowed: false, why: expect.stringContaining(kind) });
  });

  it.each(specialIpv4)('sees %s in every disguise of IPv6', (address) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    for (const disguise of [
      `::ffff:${address}`,
      `::ffff:${hex}`,
      `0:0:0:0:0:ffff:${hex}`,
      `64:ff9b::${address}`,
      `64:ff9b::${hex}`,
      `2002:${hex}::`,
      `2002:${hex}::1`,
      `::${address}`,
    ]) {
      expect([disguise, allowed(disguise, 80, ...everything)]).toEqual([disguise, false]);
    }
  });

  it.each(specials.filter(([address]) => !address.includes('%')))('lets %s pass when a rule names just that', (address) => {
    const single = `${address}/${address.includes(':') ? 128 : 32}`;
    expect(allowed(address, 80, single)).toBe(true);
    expect(allowed(address, 80, `[${single}]:80`)).toBe(true);
    expect(allowed(address, 81, `[${single}]:80`)).toBe(false);
  });

  it('is not opened for one special address by the name of another', () => {
    expect(allowed('127.0.0.2', 80, '127.0.0.1/32', ...everything)).toBe(false);
    expect(allowed('169.254.169.253', 80, '169.254.169.254')).toBe(false);
    expect(allowed('127.0.0.1', 80, '127.0.0.0/31')).toBe(false);
  });

  it('lets the neighbours of special ranges pass', () => {
    for (const address of ['1.0.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '223.255.255.255']) {
      expect([address, allowed(address, 80, ...everything)]).toEqual([address, true]);
    }
    for (const address of ['fe7f::1', 'fec0::1', 'feff::1', 'fd00::1', '2001:db8::1', '64:ff9b::10.0.0.1', '2002:a00:1::']) {
      expect([address, allowed(address, 80, ...everything)]).toEqual([address, true]);
    }
  });

  it.each(['localhost', '', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.1 ', '[::1]', '10.0.0.1/32', '10.0.0'])(
    'knows only addresses, not %j',
    (text) => expect(allowed(text, 80, ...everything)).toBe(false),
  );
});

describe('parseAllowRule', () => {
  it.each([
    ['', 'must be an address or a range'],
    ['example.com', 'must be an address or a range'],
    ['10.0.0.0/8/8', 'must be an address or a range'],
    ['10.0.0/8', 'must be an address or a range'],
    ['010.0.0.0/8', 'must be an address or a range'],
    ['fe80::1%eth0', 'must be an address or a range'],
    ['10.0.0.0/33', 'prefix length from 0 to 32'],
    ['10.0.0.0/-1', 'prefix length'],
    ['10.0.0.0/', 'prefix length'],
    ['fd00::/129', 'prefix length from 0 to 128'],
    ['::ffff:10.0.0.0/8', 'prefix length from 96 to 128'],
    ['10.0.0.1/8', 'the single address with /32'],
    ['fd00::1/64', 'the single address with /128'],
    ['10.0.0.0/8:0', 'a port from 1 to 65535'],
    ['10.0.0.0/8:65536', 'a port from 1 to 65535'],
    ['[10.0.0.0/8]:http', 'a port from 1 to 65535'],
    ['[10.0.0.0/8]443', 'must be an address or a range'],
  ])('refuses %j', (text, message) => {
    expect(() => parseAllowRule(text)).toThrow(message);
  });

  it('takes an address without brackets for an address, not for one with a port', () => {
    expect(allowed('fd00::1:443', 80, 'fd00::1:443')).toBe(true);
    expect(allowed('fd00::1', 443, 'fd00::1:443')).toBe(false);
  });
});
