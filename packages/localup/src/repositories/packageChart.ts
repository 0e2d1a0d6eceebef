// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { LocalupError } from '../errors.ts';

const execute = promisify(execFile);

/** A chart to be packaged. */
export interface ChartPackage {
  name: string;
  version: string;
  /** Texts of its files by path, such as `templates/config.yaml`; a Chart.yaml is made. */
  files: Record<string, string>;
}

/**
 * Makes the archive of a chart with `helm package` in `folder`.
 *
 * @returns the path of the archive
 * @throws LocalupError with helm's own words when it refuses
 */
export async function packageChart(helm: string, chart: ChartPackage, folder: string): Promise<string> {
  const source = await mkdtemp(join(tmpdir(), 'localup-chart-'));
  try {
    const files = {
      'Chart.yaml': JSON.stringify({ apiVersion: 'v2', name: chart.name, version: chart.version }),
      ...chart.files,
    };
    for (const [path, text] of Object.entries(files)) {
      const file = join(source, chart.name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await runHelm(helm, ['package', join(source, chart.name), '--destination', folder]);
    return join(folder, `${chart.name}-${chart.version}.tgz`);
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}

/** Runs helm where it finds nothing of the user's. */
export async function runHelm(helm: string, args: string[]): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'localup-helm-'));
  try {
    await execute(helm, args, { env: { HOME: home, PATH: process.env['PATH'] } });
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new LocalupError(`helm ${args[0]}: ${stderr.trim() || String(cause)}`, { cause });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
