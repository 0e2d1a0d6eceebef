// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { memo } from '../util/memo.ts';
import { defaultNames, type RequestHeaderConfig, type RequestHeaderNames } from './authenticationConfig.ts';

/** What a header is to authentication. */
export interface HeaderRole {
  /** In lower case. */
  name: string;
  /** It speaks of a user in another's name: by the names configured, or those Kubernetes has by default. */
  remote: boolean;
  impersonates: boolean;
  authorization: boolean;
  /** Of an extra, by the prefixes configured. */
  extraKey?: string;
}

/** Finds the role of a header by its name, as spelled in a request. */
export type HeaderRoles = (name: string) => HeaderRole;

const byConfig = new WeakMap<RequestHeaderConfig, HeaderRoles>();
const withoutConfig = makeRoles(undefined);

/** The roles under a configuration. */
export function headerRoles(config: RequestHeaderConfig | undefined): HeaderRoles {
  if (!config) return withoutConfig;
  const known = byConfig.get(config) ?? makeRoles(config);
  byConfig.set(config, known);
  return known;
}

function makeRoles(config: RequestHeaderConfig | undefined): HeaderRoles {
  return memo((original) => {
    const name = original.toLowerCase();
    const prefix = config?.extraPrefixes.find((candidate) => name.startsWith(candidate));
    return {
      name,
      remote: [defaultNames, ...(config ? [config] : [])].some((names) => speaksOfUser(name, names)),
      impersonates: name.startsWith('impersonate-'),
      authorization: name === 'authorization',
      ...(prefix !== undefined && { extraKey: decoded(name.slice(prefix.length)) }),
    };
  });
}

function speaksOfUser(name: string, { usernameHeaders, uidHeaders, groupHeaders, extraPrefixes }: RequestHeaderNames): boolean {
  const exact = usernameHeaders.includes(name) || uidHeaders.includes(name) || groupHeaders.includes(name);
  return exact || extraPrefixes.some((prefix) => name.startsWith(prefix));
}

/** Extra keys travel percent-encoded, as header names cannot hold everything. */
function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded).toLowerCase();
  } catch {
    return encoded;
  }
}
