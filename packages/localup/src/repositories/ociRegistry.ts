// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureBinaries } from '../binaries/ensureBinaries.ts';
import { type Cluster } from '../cluster.ts';
import { until } from '../kubeApi.ts';
import { freePort } from '../ports.ts';
import { type Progress } from '../progress.ts';
import { type ChartPackage, packageChart, runHelm } from './packageChart.ts';

const execute = promisify(execFile);

/** A real OCI registry (CNCF Distribution) on this machine, over plain HTTP, with or without a password. It ends with the set of clusters. */
export class OciRegistry {
  /** `oci://127.0.0.1:PORT/charts` */
  readonly url: string;
  readonly #o: { helm: string; folder: string; credentials?: { username: string; password: string } };

  private constructor(url: string, o: { helm: string; folder: string; credentials?: { username: string; password: string } }) {
    this.url = url;
    this.#o = o;
  }

  /** Builds the registry where it is not there yet, and starts it. */
  static async start(o: {
    cluster: Cluster;
    credentials?: { username: string; password: string };
    log?: Progress;
  }): Promise<OciRegistry> {
    const { cluster, credentials } = o;
    const { registry = '' } = await ensureBinaries({ names: ['registry'], progress: o.log });
    const folder = await mkdtemp(join(cluster.folder, 'registry-'));
    const port = await freePort();
    const users = join(folder, 'users');
    if (credentials) {
      const { stdout } = await execute(registry, ['htpasswd', credentials.username, credentials.password]);
      await writeFile(users, stdout, { mode: 0o600 });
    }
    const configuration = {
      version: 0.1,
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: `127.0.0.1:${port}`, secret: 'of no use to anybody' },
      ...(credentials ? { auth: { htpasswd: { realm: 'charts', path: users } } } : {}),
    };
    await writeFile(join(folder, 'config.yml'), JSON.stringify(configuration));
    const name = `registry-${port}`;
    const logPath = join(cluster.logDir, `${name}.log`);
    const env = { OTEL_TRACES_EXPORTER: 'none', HOME: folder };
    await cluster.supervisor.run({ name, file: registry, args: [join(folder, 'config.yml')], env, cwd: folder, logPath });
    await until({
      what: `the registry (see ${logPath})`,
      timeoutMs: 180_000,
      question: async () => [200, 401].includes((await fetch(`http://127.0.0.1:${port}/v2/`)).status) || undefined,
    });
    return new OciRegistry(`oci://127.0.0.1:${port}/charts`, {
      helm: cluster.binaries.helm,
      folder,
      ...(credentials ? { credentials } : {}),
    });
  }

  /** Pushes charts with helm. */
  async publish(...charts: ChartPackage[]): Promise<void> {
    const { helm, folder, credentials } = this.#o;
    const login = credentials ? ['--username', credentials.username, '--password', credentials.password] : [];
    for (const chart of charts) {
      const archive = await packageChart(helm, chart, folder);
      await runHelm(helm, ['push', archive, this.url, '--plain-http', ...login]);
      await rm(archive);
    }
  }
}
