// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { contains, isSingle, parseAddress, parseCidr, type Cidr, type IpAddress } from './address.ts';

/** Addresses, and perhaps one port of them, that the parent may reach through the tunnel. */
export interface AllowRule {
  cidr: Cidr;
  /** Every port when absent. */
  port?: number;
}

/** What the policy says of one address and port. */
export type Verdict = { allowed: true } | { allowed: false; why: string };

/** Ranges in which nothing may be reached by a wide rule: the agent itself, its neighbours on the wire, the secrets of the cloud. */
const special: readonly { name: string; ranges: Cidr[] }[] = [
  { name: 'unspecified', ranges: ranges('0.0.0.0/8', '::/128') },
  { name: 'a loopback', ranges: ranges('127.0.0.0/8', '::1/128') },
  {
    name: 'a metadata',
    // EC2 and most others; EC2, GCE and Scaleway over IPv6; Alibaba; Azure's host; Oracle's first generation.
    ranges: ranges(
      '169.254.169.254/32',
      'fd00:ec2::254/128',
      'fd20:ce::254/128',
      'fd00:42::42/128',
      '100.100.100.200/32',
      '168.63.129.16/32',
      '192.0.0.192/32',
    ),
  },
  { name: 'a link-local', ranges: ranges('169.254.0.0/16', 'fe80::/10') },
  { name: 'a multicast', ranges: ranges('224.0.0.0/4', 'ff00::/8') },
  { name: 'a reserved', ranges: ranges('240.0.0.0/4') },
];

/** Ranges of IPv6 whose addresses stand for IPv4 ones, and where in them those are: NAT64, 6to4, IPv4-compatible. */
const embedding: readonly { range: Cidr; shift: bigint }[] = [
  { range: parseCidr('64:ff9b::/96'), shift: 0n },
  { range: parseCidr('2002::/16'), shift: 80n },
  { range: parseCidr('::/96'), shift: 0n },
];

/**
 * Reads a value of `--tunnel-allow`: an address or range, and perhaps a port: `10.0.0.0/8`, `10.0.0.1:443`, `[fd00::1]:443`,
 * `[fd00::/64]:443`.
 *
 * @throws Error that says what is wrong
 */
export function parseAllowRule(text: string): AllowRule {
  const trimmed = text.trim();
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(trimmed);
  const plain = /^([^:]*|.*\/\d+)(?::(\d+))?$/.exec(trimmed);
  const [, range = trimmed, port] = bracketed ?? plain ?? [];
  try {
    return { cidr: parseCidr(range), ...(port === undefined ? {} : { port: parsePort(port) }) };
  } catch (error) {
    throw new Error(`"${trimmed}" ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * Whether the parent may have this address dialled. Only for what is not the cluster's own API server, which it always may.
 *
 * @param address - the very address that is going to be dialled, never a name
 */
export function mayDial(address: string, port: number, rules: readonly AllowRule[]): Verdict {
  const ip = parseAddress(address);
  if (!ip) return { allowed: false, why: 'it is not an IP address' };
  const matching = rules.filter((rule) => contains(rule.cidr, ip) && (rule.port === undefined || rule.port === port));
  const kind = specialKind(ip);
  if (kind !== undefined && !matching.some((rule) => isSingle(rule.cidr))) {
    return { allowed: false, why: `it is ${kind} address, which --tunnel-allow must name by itself` };
  }
  return matching.length > 0 ? { allowed: true } : { allowed: false, why: '--tunnel-allow does not hold it' };
}

function specialKind(ip: IpAddress): string | undefined {
  const kindOf = (address: IpAddress) => special.find((group) => group.ranges.some((range) => contains(range, address)))?.name;
  const own = kindOf(ip);
  if (own !== undefined || ip.family === 4) return own;
  const inner = embedding.find(({ range }) => contains(range, ip));
  return inner && kindOf({ family: 4, value: (ip.value >> inner.shift) & 0xffff_ffffn });
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Error('must have a port from 1 to 65535');
  return port;
}

function ranges(...texts: string[]): Cidr[] {
  return texts.map(parseCidr);
}
