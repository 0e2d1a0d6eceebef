// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const FNV32_OFFSET = 0x811c9dc5;
const FNV32_PRIME = 0x01000193;
const FNV64_OFFSET = 0xcbf29ce484222325n;
const FNV64_PRIME = 0x100000001b3n;
/** No vowels and no 0, 1, 3: no accidental words, nothing to misread. The alphabet of Kubernetes' generated names. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_BASE = BigInt(SUFFIX_ALPHABET.length);

const encoder = new TextEncoder();

/** FNV-1a, 32 bits, of the UTF-8 bytes of `text`, as an unsigned number. */
export function fnv1a32(text: string): number {
  let hash = FNV32_OFFSET;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, FNV32_PRIME);
  return hash >>> 0;
}

/** FNV-1a, 64 bits, of the UTF-8 bytes of `text`. */
export function fnv1a64(text: string): bigint {
  let hash = FNV64_OFFSET;
  for (const byte of encoder.encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV64_PRIME);
  return hash;
}

/** Tells two CA bundles apart, PEM or none, where the bundle itself would be too long. No proof of anything. */
export function caHash(caPem = ''): string {
  return suffix(caPem, 13);
}

/**
 * A short ending for object names that depends on `text` alone, so that whoever computes the name again finds the same
 * object. Valid in DNS labels. 64 bits fill 13 characters; longer ones repeat no information.
 */
export function suffix(text: string, length = 5): string {
  let rest = fnv1a64(text);
  let result = '';
  while (result.length < length) {
    result += SUFFIX_ALPHABET.charAt(Number(rest % SUFFIX_BASE));
    rest /= SUFFIX_BASE;
  }
  return result;
}
