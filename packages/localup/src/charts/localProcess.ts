// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { type Cluster } from '../cluster.ts';
import { LocalupError } from '../errors.ts';
import { until } from '../kubeApi.ts';
import { logTail } from '../logTail.ts';
import { ended } from '../startOnFreePorts.ts';
import { type Exit, type SupervisedProcess } from '../supervisor/supervisor.ts';

/** How a service is started; asked again for each restart, so that changed Secrets and arguments are taken up. */
export interface Launch {
  file: string;
  args: string[];
  env: Record<string, string>;
}

/** What a {@link LocalProcess} is made of. */
export interface LocalProcessOptions {
  cluster: Cluster;
  /** Unique in the cluster. */
  name: string;
  /** The port that it serves on. */
  port: number;
  /** A folder of its own. */
  folder: string;
  launch: () => Promise<Launch>;
  /** Where it tells that it is ready; without it, a process that runs is ready. */
  readiness?: { scheme: 'http' | 'https'; path: string };
  /** How long an orderly end may take, in milliseconds. */
  graceMs?: number;
}

const numbers = new Map<string, number>();

/** A number that no other process of that name in this cluster's folder has. */
export function nextNumber(cluster: Cluster, name: string): number {
  const key = `${cluster.folder}/${name}`;
  const number = (numbers.get(key) ?? 0) + 1;
  numbers.set(key, number);
  return number;
}

/** A service that runs on this machine as a process and ends with the set of clusters. */
export class LocalProcess {
  readonly name: string;
  readonly port: number;
  /** Standard output and error of all its starts. */
  readonly logPath: string;
  /** A folder of its own: HOME, temporary files, credentials. */
  readonly folder: string;
  readonly #options: LocalProcessOptions;
  #process: SupervisedProcess | undefined;

  private constructor(options: LocalProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.port = options.port;
    this.folder = options.folder;
    this.logPath = join(options.cluster.logDir, `${options.cluster.name}-${options.name}.log`);
  }

  /** Starts a process, without waiting until it is ready. */
  static async start(options: LocalProcessOptions): Promise<LocalProcess> {
    const started = new LocalProcess(options);
    await started.#launch();
    return started;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** How it ended; `undefined` while it runs. */
  get exit(): Exit | undefined {
    return this.#running.exit;
  }

  /** Settles when the present process has ended. */
  get exited(): Promise<Exit> {
    return this.#running.exited;
  }

  /** Sends a signal; with one that ends processes at once, resolves when it has. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#running.signal(signal);
    if (signal === 'SIGKILL') await this.#running.exited;
  }

  /** Ends the process in order, or by force after its grace period. {@link LocalProcess.restart} starts it again. */
  async stop(): Promise<Exit> {
    const running = this.#running;
    if (!running.exit) {
      await running.signal('SIGCONT');
      await running.signal('SIGTERM');
      const late = new AbortController();
      await Promise.race([
        running.exited,
        sleep(this.#options.graceMs ?? 15_000, undefined, { signal: late.signal }).catch(() => {}),
      ]);
      late.abort();
      await running.signal('SIGKILL');
    }
    return running.exited;
  }

  /** Ends the process if it runs, and starts it again on the same port. */
  async restart(): Promise<void> {
    if (!this.exit) await this.stop();
    await this.#launch();
  }

  /**
   * Waits until the process says that it is ready, at its readiness probe.
   * @throws LocalupError with the end of its log when it ends, or is not ready in time.
   */
  async waitReady(options: { timeoutMs?: number } = {}): Promise<void> {
    const { readiness } = this.#options;
    const running = this.#running;
    if (!readiness) return;
    // The certificate is the service's own affair, as it is with the kubelet.
    const agent = new Agent({ connect: { rejectUnauthorized: false, timeout: 10_000 } });
    try {
      await until({
        what: `${this.name} ready`,
        timeoutMs: options.timeoutMs ?? 180_000,
        hopeless: () => ended(running),
        question: async () => {
          const url = `${readiness.scheme}://127.0.0.1:${this.port}${readiness.path}`;
          const answer = await request(url, { dispatcher: agent, headersTimeout: 15_000, bodyTimeout: 15_000 });
          const body = await answer.body.text();
          if (answer.statusCode >= 400) throw new Error(`${readiness.path} answers ${answer.statusCode} ${body.slice(0, 200)}`);
          return true;
        },
      });
    } catch (cause) {
      throw new LocalupError(`${this.name} did not become ready; its log ends with\n${await logTail(this.logPath)}`, { cause });
    } finally {
      await agent.destroy();
    }
  }

  async #launch(): Promise<void> {
    const { cluster, folder, name, launch } = this.#options;
    const temporary = join(folder, 'tmp');
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const { file, args, env } = await launch();
    const path = [dirname(cluster.binaries.helm), process.env['PATH']].filter(Boolean).join(':');
    this.#process = await cluster.supervisor.run({
      name: `service/${cluster.name}/${name}`,
      file,
      args,
      env: { PATH: path, HOME: folder, TMPDIR: temporary, ...env },
      cwd: folder,
      logPath: this.logPath,
    });
  }

  get #running(): SupervisedProcess {
    if (!this.#process) throw new LocalupError(`${this.name} has not been started`);
    return this.#process;
  }
}
