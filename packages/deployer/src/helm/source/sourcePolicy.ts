// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type LookupFunction } from 'node:net';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { lookup as systemLookup, type LookupAddress } from 'node:dns';

/**
 * Addresses that no chart repository has, but that give something away to whoever can have them asked: this machine itself, and
 * the metadata services of clouds.
 */
const refused: readonly (readonly [string, number])[] = [
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['224.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['fd00:ec2::', 32],
  ['ff00::', 8],
];

/** Which addresses charts may be fetched from. */
export class SourcePolicy {
  readonly #refused = blockListOf(refused);
  readonly #allowed: BlockList;

  /**
   * @param allow - addresses or ranges (`10.0.0.0/8`) that are fetched from although they are refused by default
   * @throws Error for what is neither an address nor a range
   */
  constructor(allow: readonly string[] = []) {
    this.#allowed = blockListOf(allow.map(parseRange));
  }

  /** Whether `address`, an IP address, may be connected to. */
  allows(address: string): boolean {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return this.#allowed.check(address, family) || !this.#refused.check(address, family);
  }

  /** @throws Error when `host` is an address that is refused; names are checked by {@link SourcePolicy.lookup} when they are resolved. */
  checkHost(host: string): void {
    const bare = host.replace(/^\[|\]$/g, '');
    if (isIP(bare) !== 0 && !this.allows(bare)) throw refusal(bare, bare);
  }

  /** Resolves a name, and refuses it when any of its addresses is refused: the address checked is the one connected to. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const bad = error ? undefined : addresses.find(({ address }) => !this.allows(address));
      const [first] = addresses ?? [];
      if (error) callback(error, '', 4);
      else if (bad) callback(refusal(hostname, bad.address), '', 4);
      else if (options.all) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}

function refusal(host: string, address: string): Error {
  const what = host === address ? address : `${host} is at ${address}, which`;
  return new Error(
    `charts are not fetched from ${what}${host === address ? ':' : ' is'} an address of the machine itself or of a metadata service; ` +
      'allow it with --helm-allow if it is a repository',
  );
}

function parseRange(text: string): readonly [string, number] {
  const [address = '', prefix] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  if (isIP(address) === 0 || !Number.isInteger(length) || length < 0 || length > bits) {
    throw new Error(`"${text}" is neither an IP address nor a range such as 10.0.0.0/8`);
  }
  return [address, length];
}

function blockListOf(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, length] of ranges) list.addSubnet(address, length, isIPv6(address) ? 'ipv6' : 'ipv4');
  return list;
}
