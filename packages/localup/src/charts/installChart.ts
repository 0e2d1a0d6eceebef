// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster } from '../cluster.ts';
import { LocalupError } from '../errors.ts';

/** A chart to install, and where. */
export interface InstallChartOptions {
  cluster: Cluster;
  /** Folder of the chart. */
  chartDir: string;
  release: string;
  /** Made if it is not there. */
  namespace: string;
  values?: Record<string, unknown>;
  /** Keeps the values of the release that is there; `values` come on top. */
  keepValues?: boolean;
}

/**
 * Installs or upgrades a chart with the real helm, as the cluster's admin, without waiting for its pods.
 * @returns what helm printed.
 * @throws LocalupError with helm's own words when helm refuses.
 */
export async function installChart(options: InstallChartOptions): Promise<string> {
  const { cluster, chartDir, release, namespace, values = {} } = options;
  const args = ['upgrade', '--install', release, chartDir, '--namespace', namespace, '--create-namespace', '--values', '-'];
  if (options.keepValues) args.push('--reset-then-reuse-values');
  return helm(cluster, args, JSON.stringify(values));
}

/** Removes a release. */
export async function uninstallChart(options: { cluster: Cluster; release: string; namespace: string }): Promise<string> {
  return helm(options.cluster, ['uninstall', options.release, '--namespace', options.namespace]);
}

/** Runs helm against a cluster, with folders of its own and `input` as its standard input. */
async function helm(cluster: Cluster, args: string[], input = ''): Promise<string> {
  const home = join(cluster.folder, 'helm');
  await mkdir(home, { recursive: true });
  const child = spawn(cluster.binaries.helm, [...args, '--kubeconfig', cluster.kubeconfigPath], {
    env: { HOME: home, PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [output, complaints]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new LocalupError(`${cluster.name}: helm ${args.slice(0, 3).join(' ')}: ${complaints.join('').trim()}`);
  return output.join('');
}
