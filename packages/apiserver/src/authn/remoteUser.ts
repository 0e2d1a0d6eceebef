// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { defaultNames, type RequestHeaderConfig, type RequestHeaderNames } from './authenticationConfig.ts';
import { type User } from './user.ts';

/** Names and values in turn, as Node gives the headers of a request. */
export type RawHeaders = readonly string[];

/** Name (lower case) and value of each header. */
export function* headerPairs(raw: RawHeaders): Generator<[name: string, value: string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? ''];
}

/** Whether a header speaks of a user in another's name: by the names configured, or those Kubernetes has by default. */
export function isRemoteHeader(name: string, config: RequestHeaderConfig | undefined): boolean {
  return [defaultNames, ...(config ? [config] : [])].some((names: RequestHeaderNames) => {
    const { usernameHeaders, uidHeaders, groupHeaders, extraPrefixes } = names;
    const exact = usernameHeaders.includes(name) || uidHeaders.includes(name) || groupHeaders.includes(name);
    return exact || extraPrefixes.some((prefix) => name.startsWith(prefix));
  });
}

/**
 * The user that the headers name. To be called for a verified front proxy only.
 *
 * @returns undefined when they name none, or more than one
 */
export function remoteUser(raw: RawHeaders, config: RequestHeaderConfig): User | undefined {
  const values = new Map<string, string[]>();
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, bytes] of headerPairs(raw)) {
    // Node reads header bytes as Latin-1; Kubernetes writes names in UTF-8.
    const value = Buffer.from(bytes, 'latin1').toString('utf8');
    values.set(name, [...(values.get(name) ?? []), value]);
    const prefix = config.extraPrefixes.find((candidate) => name.startsWith(candidate));
    if (prefix !== undefined) (extra[extraKey(name.slice(prefix.length))] ??= []).push(value);
  }
  const first = (names: string[]): string[] =>
    names.map((name) => (values.get(name) ?? []).filter((value) => value !== '')).find((found) => found.length > 0) ?? [];
  const [name, ...others] = first(config.usernameHeaders);
  if (name === undefined || others.length > 0) return undefined;
  const [uid] = first(config.uidHeaders);
  const groups = config.groupHeaders.flatMap((header) => values.get(header) ?? []).filter((group) => group !== '');
  return { name, ...(uid !== undefined && { uid }), groups, extra };
}

/** Extra keys travel percent-encoded, as header names cannot hold everything. */
function extraKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded).toLowerCase();
  } catch {
    return encoded;
  }
}
