// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type RequestHeaderConfig } from './authenticationConfig.ts';
import { headerRoles } from './headerRoles.ts';
import { type User } from './user.ts';

/** Names and values in turn, as Node gives the headers of a request. */
export type RawHeaders = readonly string[];

/**
 * The user that the headers name. To be called for a verified front proxy only.
 *
 * @returns undefined when they name none, or more than one
 */
export function remoteUser(raw: RawHeaders, config: RequestHeaderConfig): User | undefined {
  const roles = headerRoles(config);
  const values = new Map<string, string[]>();
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const { name, remote, extraKey } = roles(raw[at] ?? '');
    if (!remote) continue;
    const value = textOf(raw[at + 1] ?? '');
    if (extraKey !== undefined) (extra[extraKey] ??= []).push(value);
    if (value === '') continue;
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  const first = (names: string[]): string[] => values.get(names.find((name) => values.has(name)) ?? '') ?? [];
  const [name, ...others] = first(config.usernameHeaders);
  if (name === undefined || others.length > 0) return undefined;
  const [uid] = first(config.uidHeaders);
  const groups = config.groupHeaders.flatMap((header) => values.get(header) ?? []);
  return { name, ...(uid !== undefined && { uid }), groups, extra };
}

/** Node reads header bytes as Latin-1; Kubernetes writes names in UTF-8. */
function textOf(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
