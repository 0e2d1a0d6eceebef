// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Who makes a request. */
export interface User {
  name: string;
  uid?: string;
  groups: string[];
  /** Keys in lower case. Credentials for a child never stand here. */
  extra: Record<string, string[]>;
}

/** The group of everybody who proved an identity, and of everybody else. */
export const authenticatedGroup = 'system:authenticated';
export const unauthenticatedGroup = 'system:unauthenticated';

/** Who makes a request that carries no credential. */
export function anonymous(): User {
  return { name: 'system:anonymous', groups: [unauthenticatedGroup], extra: {} };
}

/** Everybody with an identity is in `system:authenticated`, whoever vouches for it. */
export function withAuthenticatedGroup(user: User): User {
  const settled = user.groups.includes(authenticatedGroup) || user.groups.includes(unauthenticatedGroup);
  return settled ? user : { ...user, groups: [...user.groups, authenticatedGroup] };
}
