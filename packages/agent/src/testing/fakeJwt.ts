// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A token of the right form with these claims and no valid signature. */
export function fakeJwt(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.${part('signature')}`;
}
