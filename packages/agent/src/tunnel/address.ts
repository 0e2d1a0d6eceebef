// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isIP, isIPv4 } from 'node:net';

/** An IP address as a number. An IPv4 address written as an IPv6 one (`::ffff:10.0.0.1`) is the IPv4 address. */
export interface IpAddress {
  family: 4 | 6;
  value: bigint;
}

/** A range of addresses: all that share the first `prefix` bits. */
export interface Cidr extends IpAddress {
  prefix: number;
}

const mappedPrefix = 0xffffn;

/** Reads an address in its usual form; `undefined` for anything else, octal, hexadecimal and short forms included. */
export function parseAddress(text: string): IpAddress | undefined {
  const [address = ''] = text.split('%', 1);
  switch (isIP(address)) {
    case 4:
      return { family: 4, value: ipv4(address) };
    case 6: {
      const value = ipv6(address);
      return value >> 32n === mappedPrefix ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
    }
    default:
      return undefined;
  }
}

/**
 * Reads `10.0.0.0/8`, or a single address.
 *
 * @throws Error that says what is wrong
 */
export function parseCidr(text: string): Cidr {
  const [host = '', length, ...rest] = text.split('/');
  const address = host.includes('%') ? undefined : parseAddress(host);
  if (!address || rest.length > 0) throw new Error('must be an address or a range such as 10.0.0.0/8');
  // Bits of a range that was written as ::ffff:10.0.0.0/104 count from the IPv6 address.
  const shift = address.family === 4 && !isIPv4(host) ? 96 : 0;
  const bits = bitsOf(address.family);
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) - shift : -1;
  if (prefix < 0 || prefix > bits) throw new Error(`must have a prefix length from ${shift} to ${bits + shift}`);
  const cidr = { ...address, prefix };
  if (network(address.value, cidr) !== address.value) {
    throw new Error(
      `has bits beyond its prefix length: name the first address of the range, or the single address with /${bits + shift}`,
    );
  }
  return cidr;
}

/** Whether the range holds the address. IPv4 and IPv6 never meet. */
export function contains(cidr: Cidr, address: IpAddress): boolean {
  return cidr.family === address.family && network(address.value, cidr) === cidr.value;
}

/** Whether the range is one address. */
export function isSingle(cidr: Cidr): boolean {
  return cidr.prefix === bitsOf(cidr.family);
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function network(value: bigint, { family, prefix }: Cidr): bigint {
  const rest = BigInt(bitsOf(family) - prefix);
  return (value >> rest) << rest;
}

function ipv4(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = dotted && ipv4(dotted[2] ?? '');
  const hex = dotted && last !== null ? `${dotted[1]}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}` : text;
  const [head = '', tail] = hex.split('::');
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
