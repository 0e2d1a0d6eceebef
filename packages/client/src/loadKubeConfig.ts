// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type LoadedKubeConfig } from './kubeConfigCredentials.ts';

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Reads a kubeconfig: the given file, else the files of `KUBECONFIG`, else `~/.kube/config`, else the ServiceAccount of
 * the pod this runs in. Throws an Error that tells what was looked for.
 */
export async function loadKubeConfig(o: { path?: string; context?: string } = {}): Promise<LoadedKubeConfig> {
  const { config, files } = await readKubeConfig(o.path);
  if (config.clusters.length === 0 && files.length === 0) {
    throw new Error('no cluster to talk to: give a kubeconfig, set KUBECONFIG, create ~/.kube/config or run inside a pod');
  }
  if (o.context !== undefined) config.setCurrentContext(o.context);
  return { config: checked(config, files), files };
}

/** Reads the same as {@link loadKubeConfig}, empty when there is nothing to read, and leaves it to the caller whether that is usable. */
export async function readKubeConfig(path?: string): Promise<LoadedKubeConfig> {
  // Loaded on demand: it is by far the largest dependency, and clients made from options do without it.
  const clientNode = await import('@kubernetes/client-node');
  const config = new clientNode.KubeConfig();
  const files = await kubeConfigFiles(path);
  if (files.length > 0) await readFiles(config, files, () => new clientNode.KubeConfig());
  else if (await exists(serviceAccountToken)) config.loadFromCluster();
  return { config, files };
}

async function kubeConfigFiles(path: string | undefined): Promise<string[]> {
  if (path !== undefined) return [path];
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    // Like kubectl: files of the list that do not exist are passed over.
    const there = await Promise.all(listed.map(exists));
    const files = listed.filter((_, i) => there[i]);
    if (files.length === 0) throw new Error(`KUBECONFIG names no file that exists: ${listed.join(', ')}`);
    return files;
  }
  const standard = join(homedir(), '.kube', 'config');
  return (await exists(standard)) ? [standard] : [];
}

async function readFiles(config: KubeConfig, files: string[], create: () => KubeConfig): Promise<void> {
  for (const file of files) {
    const part = create();
    try {
      part.loadFromString(JSON.stringify(withTokenFiles(parse(await readFile(file, 'utf8')) as RawKubeConfig, dirname(file))));
      part.makePathsAbsolute(dirname(file));
    } catch (cause) {
      throw unusable(file, cause);
    }
    mergeFirstWins(config, part);
  }
}

interface RawKubeConfig {
  users?: { name: string; user?: Record<string, unknown> }[];
}

interface TokenFileProvider {
  config?: { tokenFile?: string };
}

/**
 * client-node knows token files only as an auth provider, while kubeconfigs have `tokenFile` beside `token`, where it
 * wins. Relative names are meant from the file they stand in.
 */
function withTokenFiles(raw: RawKubeConfig, directory: string): RawKubeConfig {
  for (const { user } of raw.users ?? []) {
    const provider = user?.['auth-provider'] as TokenFileProvider | undefined;
    const file = user?.['tokenFile'] ?? provider?.config?.tokenFile;
    if (!user || typeof file !== 'string') continue;
    user['auth-provider'] = { name: 'tokenFile', config: { tokenFile: isAbsolute(file) ? file : join(directory, file) } };
    delete user['token'];
  }
  return raw;
}

/** As kubectl merges: what an earlier file defines stays. */
function mergeFirstWins(config: KubeConfig, part: KubeConfig): void {
  for (const c of part.clusters ?? []) if (!config.clusters.some(({ name }) => name === c.name)) config.addCluster(c);
  for (const u of part.users ?? []) if (!config.users.some(({ name }) => name === u.name)) config.addUser(u);
  for (const c of part.contexts ?? []) if (!config.contexts.some(({ name }) => name === c.name)) config.addContext(c);
  if (!config.currentContext && part.currentContext) config.setCurrentContext(part.currentContext);
}

function unusable(file: string, cause: unknown): Error {
  if ('syscall' in (cause as object)) return new Error(`the kubeconfig ${file} cannot be read`, { cause });
  // A parser quotes the lines it stumbled over, and they may hold a key: its error is not passed on.
  const line = (cause as { linePos?: { line: number }[] }).linePos?.[0]?.line;
  return new Error(`${file} is not a valid kubeconfig${line === undefined ? '' : ` (line ${line})`}`);
}

function checked(config: KubeConfig, files: string[]): KubeConfig {
  const where = files.length > 0 ? ` in ${files.join(', ')}` : '';
  const context = config.getCurrentContext();
  if (!context) throw new Error(`no current context${where}: choose one with kubectl config use-context, or name it`);
  if (!config.getContextObject(context)) throw new Error(`there is no context "${context}"${where}`);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`the context "${context}" names a cluster that is not defined${where}`);
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
    // client-node refuses plain http unless told that TLS is not verified, which says nothing for plain http.
    config.clusters = config.clusters.map((c) => (c.name === cluster.name ? { ...c, skipTLSVerify: true } : c));
  }
  return config;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
