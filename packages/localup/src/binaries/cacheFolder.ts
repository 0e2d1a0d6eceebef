// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { homedir } from 'node:os';
import { join } from 'node:path';
import { versions } from '../versions.ts';
import { currentPlatform } from './releases.ts';

/** The folder that keeps binaries between runs; another set of versions has another folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const root = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const { os, arch } = currentPlatform();
  const key = Object.entries(versions).map(([name, version]) => `${name}-${version}`);
  return join(root, 'clusternet', 'localup', [...key, os, arch].join('_'));
}
