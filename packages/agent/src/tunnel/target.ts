// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isIP, isIPv4 } from 'node:net';
import * as z from 'zod';
import { DialError } from './dialError.ts';

/** What the parent asks for: the API server of this cluster, or something that `--tunnel-allow` holds. */
export type Target = { to: 'direct' } | { to: 'tcp'; host: string; port: number };

const label = /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i;
const numeric = /^(\d+|0x[0-9a-f]*)$/i;
const longestName = 253;

const target = z.discriminatedUnion('to', [
  z.object({ to: z.literal('direct') }),
  z.object({ to: z.literal('tcp'), host: z.string(), port: z.int().min(1).max(65_535) }),
]);

/**
 * Reads the target of a stream.
 *
 * @throws DialError `INVALID`
 */
export function parseTarget(text: string): Target {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DialError('INVALID', 'the target is not JSON', { cause });
  }
  const parsed = target.safeParse(value);
  if (!parsed.success) {
    throw new DialError('INVALID', 'the target must be {"to":"direct"} or {"to":"tcp","host":"...","port":443}', {
      cause: parsed.error,
    });
  }
  if (parsed.data.to === 'direct') return parsed.data;
  return { ...parsed.data, host: canonicalHost(parsed.data.host) };
}

/**
 * An address in its one usual form, or a name. Forms that some resolvers take for addresses (`127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`)
 * are neither, as two programs may read two different addresses from them.
 */
function canonicalHost(text: string): string {
  const host = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIP(host) !== 0 && !host.includes('%') && (host === text || !isIPv4(host))) return host;
  const labels = host.replace(/\.$/, '').split('.');
  const isName = host === text && host.length <= longestName && labels.every((part) => label.test(part));
  if (!isName || numeric.test(labels.at(-1) ?? ''))
    throw new DialError('INVALID', 'the host of the target is neither an IP address nor a name');
  return host;
}
