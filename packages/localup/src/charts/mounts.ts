// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LocalupError } from '../errors.ts';
import { type DataReader } from './environment.ts';
import { type Container, type Volume } from './podTemplate.ts';

/**
 * Writes the files that a container's mounted Secrets and ConfigMaps hold below `root`.
 * @returns the folder (or file, with a subPath) that stands for each mount path.
 */
export async function writeMounts(options: {
  root: string;
  container: Container;
  volumes: Volume[];
  read: DataReader;
  tokenPath: string;
}): Promise<Map<string, string>> {
  const { root, container, volumes, read, tokenPath } = options;
  const folders = new Map<string, string>();
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const volume = volumes.find((one) => one.name === name);
    if (!volume) throw new LocalupError(`container ${container.name} mounts ${name}, which the pod has not`);
    const folder = join(root, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await fill(folder, volume);
    folders.set(mountPath.replace(/\/$/, ''), subPath === undefined ? folder : join(folder, subPath));
  }
  return folders;

  async function fill(folder: string, volume: Volume): Promise<void> {
    const { secret, configMap, projected } = volume;
    if (secret) await put('Secret', { ...secret, name: secret.secretName });
    if (configMap) await put('ConfigMap', configMap);
    for (const source of projected?.sources ?? []) {
      if (source.secret) await put('Secret', source.secret);
      if (source.configMap) await put('ConfigMap', source.configMap);
      if (source.serviceAccountToken) await writeLink(join(folder, source.serviceAccountToken.path));
    }

    async function put(
      kind: 'Secret' | 'ConfigMap',
      from: { name: string; optional?: boolean; items?: KeyToPath[] },
    ): Promise<void> {
      const data = await read(kind, from.name);
      if (!data) {
        if (from.optional) return;
        throw new LocalupError(`volume ${volume.name}: no ${kind} ${from.name}`);
      }
      for (const { key, path } of from.items ?? Object.keys(data).map((key) => ({ key, path: key }))) {
        const value = data[key];
        if (value === undefined) throw new LocalupError(`volume ${volume.name}: ${kind} ${from.name} has no key ${key}`);
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), value, { mode: 0o600 });
      }
    }
  }

  async function writeLink(path: string): Promise<void> {
    await rm(path, { force: true });
    await symlink(tokenPath, path);
  }
}

interface KeyToPath {
  key: string;
  path: string;
}
