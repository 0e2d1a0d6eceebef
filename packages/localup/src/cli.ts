// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ensureBinaries } from './binaries/ensureBinaries.ts';
import { startClusters } from './clusters.ts';
import { LocalupError, messageOf } from './errors.ts';
import { progressToStderr } from './progress.ts';
import { readSetFile, type SetFile } from './setFile.ts';
import { endSet, isSetRunning } from './supervisor/leftovers.ts';
import { binaryNames, newestKubectl } from './versions.ts';
import { probeSet } from './status.ts';

interface UpOptions {
  children: number;
  nodes: number;
  parentNodes: number;
  parent: boolean;
  dir: string;
  binDir?: string;
  auditLog: boolean;
}

const defaultDir = join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'clusternet', 'clusters');

function count(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > most) throw new InvalidArgumentError(`must be a whole number from 0 to ${most}.`);
    return value;
  };
}

function program(): Command {
  const root = new Command('clusters')
    .description('Real Kubernetes clusters on this machine, for development and tests.')
    .showHelpAfterError('(--help tells the usage)');
  root
    .command('up')
    .description('start clusters and leave them running')
    .option('--children <n>', 'child clusters, named child1, child2, ...', count(50), 3)
    .option('--nodes <n>', 'simulated nodes in each child', count(1000), 2)
    .option('--parent-nodes <n>', 'simulated nodes in the parent', count(1000), 0)
    .option('--no-parent', 'no parent cluster')
    .option('--dir <folder>', 'folder for data, logs and kubeconfigs', defaultDir)
    .option('--bin-dir <folder>', 'folder to look for binaries in first')
    .option('--audit-log', 'have the parent write an audit log', false)
    .action(up);
  root
    .command('status')
    .description('tell which clusters run and whether they are ready')
    .option('--dir <folder>', 'the folder given to up', defaultDir)
    .action(status);
  root
    .command('down')
    .description('end the clusters and remove their data')
    .option('--dir <folder>', 'the folder given to up', defaultDir)
    .action(down);
  root
    .command('binaries')
    .description('find, download or build the programs that clusters are made of')
    .option('--bin-dir <folder>', 'folder to look for binaries in first')
    .action(async ({ binDir }: { binDir?: string }) => {
      const found = await ensureBinaries({ names: [...binaryNames, newestKubectl], binDir, progress: progressToStderr() });
      for (const [name, path] of Object.entries(found)) console.log(`${name}\t${path}`);
    });
  return root;
}

async function up(options: UpOptions): Promise<void> {
  const dir = resolve(options.dir);
  const log = progressToStderr();
  const running = isSetRunning(dir) ? await readSetFile(dir) : undefined;
  if (running) {
    const shape = (set: { nodes: number }[]): string => set.map(({ nodes }) => nodes).join();
    const wanted = [
      ...(options.parent ? [{ nodes: options.parentNodes }] : []),
      ...Array.from({ length: options.children }, () => ({ nodes: options.nodes })),
    ];
    if (shape(running.clusters) !== shape(wanted)) {
      throw new LocalupError(`other clusters run in ${dir}: end them first with "down", or name another folder with --dir`);
    }
    log(`these clusters run already in ${dir}`);
    printSet(dir, running);
    return;
  }
  const set = await startClusters({
    parent: options.parent && { nodes: options.parentNodes, auditLog: options.auditLog },
    children: Array.from({ length: options.children }, () => ({ nodes: options.nodes })),
    dir,
    binDir: options.binDir,
    log,
  });
  await set.detach();
  log('all are ready');
  const written = await readSetFile(dir);
  if (written) printSet(dir, written);
}

async function status({ dir }: { dir: string }): Promise<void> {
  const folder = resolve(dir);
  const set = isSetRunning(folder) ? await readSetFile(folder) : undefined;
  if (!set) throw new LocalupError(`no clusters run in ${folder}`);
  const states = await probeSet(set);
  for (const { name, server, nodes } of set.clusters) {
    console.log([name.padEnd(12), server, `${nodes} nodes`.padEnd(10), states.get(name)].join('  '));
  }
  if ([...states.values()].some((state) => state !== 'ready')) process.exitCode = 1;
}

async function down({ dir }: { dir: string }): Promise<void> {
  const folder = resolve(dir);
  if (await endSet(folder)) console.log(`ended the clusters in ${folder}`);
  else console.log(`no clusters in ${folder}`);
}

function printSet(dir: string, set: SetFile): void {
  for (const { name, kubeconfigPath } of set.clusters) console.log(`${name.padEnd(12)}  ${kubeconfigPath}`);
  const first = set.clusters[0];
  if (!first) return;
  const flag = dir === defaultDir ? '' : ` --dir ${dir}`;
  console.log('\nTo try them, paste:\n');
  console.log(`  export KUBECONFIG=${set.clusters.map(({ kubeconfigPath }) => kubeconfigPath).join(':')}`);
  for (const { name } of set.clusters) console.log(`  kubectl --context ${name} get namespaces,nodes`);
  console.log('\nTo look at them and to end them:\n');
  console.log(`  pnpm clusters status${flag}`);
  console.log(`  pnpm clusters down${flag}`);
}

try {
  await program().parseAsync();
} catch (cause) {
  console.error(
    `error: ${cause instanceof LocalupError ? messageOf(cause) : cause instanceof Error ? cause.stack : String(cause)}`,
  );
  process.exitCode = 1;
}
