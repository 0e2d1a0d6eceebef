// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Binaries, ensureBinaries } from './binaries/ensureBinaries.ts';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import { LocalupError } from './errors.ts';
import { startEtcd } from './etcd.ts';
import { type Progress, silent } from './progress.ts';
import { setFile, type SetFile } from './setFile.ts';
import { endLeftovers, isSetRunning, sweepTemporaryFolders, temporaryPrefix } from './supervisor/leftovers.ts';
import { processFile } from './supervisor/protocol.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** What to start. */
export interface StartClustersOptions {
  /** Whether there is a cluster named `parent`, or what it is. */
  parent?: boolean | Omit<ClusterOptions, 'name'>;
  /** The child clusters; a number makes `child1`, `child2` and so on without nodes. */
  children?: number | (Omit<ClusterOptions, 'name'> & { name?: string })[];
  /** Where everything is written. A temporary folder if left out; removed at the end in both cases. */
  dir?: string;
  /** Where logs are written, to be kept; `logs` in `dir` if left out. */
  logDir?: string;
  /** A folder to look for binaries in before all others. */
  binDir?: string;
  log?: Progress;
}

/** Running clusters, which end with this process at the latest, unless {@link ClusterSet.detach} is called. */
export class ClusterSet implements AsyncDisposable {
  readonly dir: string;
  readonly logDir: string;
  readonly clusters: readonly Cluster[];
  readonly binaries: Binaries;
  /** Runs processes that end with the set. */
  readonly supervisor: Supervisor;

  /** Use {@link startClusters}. */
  constructor(parts: { logDir: string; clusters: Cluster[]; binaries: Binaries; supervisor: Supervisor }) {
    this.dir = parts.supervisor.folder;
    this.logDir = parts.logDir;
    this.clusters = parts.clusters;
    this.binaries = parts.binaries;
    this.supervisor = parts.supervisor;
  }

  /** The cluster named `parent`. */
  get parent(): Cluster {
    return this.cluster('parent');
  }

  /** All clusters but the parent. */
  get children(): Cluster[] {
    return this.clusters.filter(({ name }) => name !== 'parent');
  }

  /**
   * A cluster by its name.
   * @throws LocalupError if there is none.
   */
  cluster(name: string): Cluster {
    const cluster = this.clusters.find((one) => one.name === name);
    if (!cluster) throw new LocalupError(`no cluster ${name}; there are ${this.clusters.map((one) => one.name).join(', ')}`);
    return cluster;
  }

  /** Leaves everything running when this process ends; `endSet(dir)` ends it then. */
  async detach(): Promise<void> {
    await this.supervisor.detach();
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await this.supervisor.close();
    await Promise.all(this.clusters.map(({ api }) => api.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts clusters side by side and resolves when all are ready. What a crashed run left in `dir`, or in the temporary folders
 * of this user, is ended and removed first.
 * @throws LocalupError when something is missing, or `dir` holds running clusters or files that are not localup's.
 */
export async function startClusters(options: StartClustersOptions = {}): Promise<ClusterSet> {
  const log = options.log ?? silent;
  const wanted = clustersOf(options);
  const swept = await sweepTemporaryFolders();
  for (const folder of swept) log(`removed what a crashed run left in ${folder}`);
  const binaries = await ensureBinaries({ binDir: options.binDir, progress: log });
  const dir = await prepareFolder(options.dir, log);
  const logDir = options.logDir === undefined ? join(dir, 'logs') : resolve(options.logDir);
  await mkdir(logDir, { recursive: true });
  const supervisor = await Supervisor.start(dir);
  try {
    const etcd = await startEtcd({
      supervisor,
      binary: binaries.etcd,
      folder: join(dir, 'etcd'),
      logPath: join(logDir, 'etcd.log'),
    });
    log(`etcd serves on port ${etcd.layout.clientPort}`);
    const starting = wanted.map(async (cluster, index) => {
      const started = await startCluster({
        cluster,
        index,
        supervisor,
        binaries,
        etcd: etcd.layout,
        folder: dir,
        logFolder: logDir,
      });
      log(`${cluster.name} is ready: ${started.server}${started.nodes ? `, ${started.nodes} nodes` : ''}`);
      return started;
    });
    const clusters = await Promise.all(starting);
    const content: SetFile = {
      logDir,
      clusters: clusters.map(({ name, server, kubeconfigPath, nodes, auditLogPath }) => ({
        name,
        server,
        kubeconfigPath,
        nodes,
        ...(auditLogPath === undefined ? {} : { auditLogPath }),
      })),
    };
    await writeFile(join(dir, setFile), JSON.stringify(content, undefined, 2), { mode: 0o600 });
    return new ClusterSet({ logDir, clusters, binaries, supervisor });
  } catch (cause) {
    await supervisor.close().catch(() => {});
    throw cause;
  }
}

/** The clusters that the options ask for. */
export function clustersOf(options: StartClustersOptions): ClusterOptions[] {
  const { parent = true, children = [] } = options;
  const childOptions = typeof children === 'number' ? Array.from({ length: children }, () => ({})) : children;
  const clusters: ClusterOptions[] = childOptions.map((child, index) => ({ name: `child${index + 1}`, ...child }));
  if (parent !== false) clusters.unshift({ ...(parent === true ? {} : parent), name: 'parent' });
  const names = new Set<string>();
  for (const { name, nodes = 0 } of clusters) {
    if (!/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(name)) throw new LocalupError(`"${name}" is no name for a cluster`);
    if (['etcd', 'logs', 'services'].includes(name)) throw new LocalupError(`a cluster may not be named "${name}"`);
    if (names.has(name)) throw new LocalupError(`two clusters are named "${name}"`);
    if (!Number.isInteger(nodes) || nodes < 0) throw new LocalupError(`${name}: ${nodes} is no number of nodes`);
    names.add(name);
  }
  if (clusters.length === 0) throw new LocalupError('no cluster is asked for');
  return clusters;
}

/** The folder of a set, empty: made, or cleared of what a crashed run left. */
export async function prepareFolder(dir: string | undefined, log: Progress): Promise<string> {
  if (dir === undefined) return mkdtemp(join(tmpdir(), temporaryPrefix));
  const folder = resolve(dir);
  if (isSetRunning(folder)) throw new LocalupError(`clusters run in ${folder} already; end them first, or name another folder`);
  if (await endLeftovers(folder)) log(`removed what a crashed run left in ${folder}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = (await readdir(folder)).filter((name) => name !== processFile);
  if (files.length > 0) {
    throw new LocalupError(`${folder} holds files that are not localup's (${files[0]}); name an empty or new folder`);
  }
  return folder;
}
