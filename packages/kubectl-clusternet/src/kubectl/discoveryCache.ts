// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Lets kubectl keep what it learned about the kinds of a cluster from one run to the next, as it does by itself for clusters whose address
 * stays: its cache has a folder for each address, and ours, new each time, is made a link to the one of the cluster behind it.
 *
 * @returns the cache folder to give to kubectl
 */
export function discoveryCache(o: { folder: string; endpoint: string; server: string; env: NodeJS.ProcessEnv }): string {
  const cache = join(o.folder, 'cache');
  const kept = o.env['KUBECACHEDIR'] || join(homedir(), '.kube', 'cache');
  const { host, pathname } = new URL(o.endpoint);
  const name = createHash('sha256').update(o.server).digest('hex').slice(0, 24);
  try {
    const target = join(kept, 'clusternet', name);
    mkdirSync(target, { recursive: true, mode: 0o750 });
    const parent = join(cache, 'discovery', host.replace(/[^\w.]/g, '_'));
    mkdirSync(parent, { recursive: true, mode: 0o750 });
    symlinkSync(target, join(parent, pathname.slice(1)), 'dir');
  } catch {
    // Home may be read-only, or links not allowed; kubectl asks the server then.
  }
  return cache;
}
