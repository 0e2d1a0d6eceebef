// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type User } from '@clusternet/apiserver';

const anonymous = 'system:anonymous';
const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';

/**
 * Headers by which the hub asks the parent in the name of a user.
 *
 * @remarks
 * The parent asks its authorizers about each header, for each request. Groups that it gives a user by itself, by the same rules, are left to it.
 * @param group - one more group, for rights that only such requests have
 */
export function impersonationHeaders({ name, uid, groups, extra }: User, group?: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'impersonate-user': name };
  const all = stated(name, group === undefined ? groups : [...groups, group]);
  if (all.length > 0) headers['impersonate-group'] = all;
  if (uid !== undefined && uid !== '') headers['impersonate-uid'] = uid;
  for (const [key, values] of Object.entries(extra)) {
    if (values.length > 0) headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = values;
  }
  return headers;
}

/** The groups that have to be named so that the user has them all, and no others. */
function stated(user: string, groups: readonly string[]): string[] {
  if (user === anonymous || groups.includes(unauthenticated) || !groups.includes(authenticated)) return [...groups];
  const rest = groups.filter((group) => group !== authenticated);
  const [, namespace] = /^system:serviceaccount:([a-z0-9-]+):[a-z0-9.-]+$/.exec(user) ?? [];
  if (namespace === undefined) return rest;
  const own = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  if (rest.length === own.length && own.every((group) => rest.includes(group))) return [];
  // Without any, an account would be given those of accounts.
  return rest.length === 0 ? [...groups] : rest;
}
