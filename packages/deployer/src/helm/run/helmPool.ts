// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import pLimit, { type LimitFunction } from 'p-limit';

/** One call of helm. */
export interface HelmCall {
  args: string[];
  /** The whole environment: nothing of the service's own is passed on. */
  env: Record<string, string>;
  cwd: string;
  /** Milliseconds after which it is killed. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** How a call ended. */
export interface HelmResult {
  code: number;
  /** Its last bytes. */
  stdout: string;
  stderr: string;
}

/** Options of {@link HelmPool}. */
export interface HelmPoolOptions {
  /** Path of the executable. */
  path: string;
  /** Calls at a time; default 4. */
  concurrency?: number;
  /** Resident bytes above which a call is killed; default 512 MiB. Looked at where `/proc` tells. */
  maxMemory?: number;
}

const maxOutput = 64 * 1024;
/** A template can take a gigabyte a second. */
const memoryCheckMs = 50;

/** helm could not be run, or had to be killed. */
export class HelmRunError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HelmRunError';
  }
}

/** Runs helm: a bounded number of processes, each with bounded time, memory and output. One for the service, over all clusters. */
export class HelmPool {
  readonly #o: HelmPoolOptions;
  readonly #limit: LimitFunction;

  constructor(options: HelmPoolOptions) {
    this.#o = options;
    this.#limit = pLimit(options.concurrency ?? 4);
  }

  /**
   * Waits for a turn and does work that runs helm. Only then should it make what it needs for that: files with secrets, and tokens that grow old.
   *
   * @throws the signal's reason when that is aborted, also while it waits; what `work` throws
   */
  async inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#limit(() => {
        signal.removeEventListener('abort', onAbort);
        signal.throwIfAborted();
        return work();
      }).then(resolve, reject);
    });
  }

  /**
   * Runs helm, now: see {@link inTurn}.
   *
   * @throws HelmRunError when it cannot be started or was killed; the signal's reason when that was aborted
   */
  async run({ args, env, cwd, timeoutMs, signal }: HelmCall): Promise<HelmResult> {
    signal.throwIfAborted();
    const child = spawn(this.#o.path, args, {
      cwd,
      env: { ...env, GOMEMLIMIT: String(Math.floor(this.#maxMemory * 0.8)) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout = tail(child.stdout);
    const stderr = tail(child.stderr);
    let killed: Error | undefined;
    const kill = (error: Error): void => {
      killed ??= error;
      child.kill('SIGKILL');
    };
    const onAbort = (): void => kill(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => kill(new HelmRunError(`helm was stopped after ${Math.round(timeoutMs / 1000)} s`)), timeoutMs);
    const watch = setInterval(() => {
      void memoryOf(child).then((bytes) => {
        if (bytes <= this.#maxMemory) return;
        kill(
          new HelmRunError(
            `helm was stopped: it took more than ${Math.round(this.#maxMemory / 1048576)} MiB; is the chart meant to?`,
          ),
        );
      });
    }, memoryCheckMs);
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      if (killed) throw killed;
      return { code: code ?? -1, stdout: stdout(), stderr: stderr() };
    } catch (cause) {
      if (killed) throw killed;
      throw new HelmRunError(`helm cannot be run (${this.#o.path}): ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      signal.removeEventListener('abort', onAbort);
    }
  }

  get #maxMemory(): number {
    return this.#o.maxMemory ?? 512 * 1024 * 1024;
  }
}

/** Keeps the end of a stream, and lets the rest go. */
function tail(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  let size = 0;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size > maxOutput && chunks.length > 1) size -= chunks.shift()?.length ?? 0;
  });
  return () => chunks.join('').slice(-maxOutput);
}

const pageBytes = 4096;

async function memoryOf({ pid }: ChildProcess): Promise<number> {
  const text = pid === undefined ? undefined : await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => undefined);
  return Number(text?.split(' ')[1] ?? 0) * pageBytes;
}
