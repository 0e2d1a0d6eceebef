// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { expect } from '@jest/globals';

const run = promisify(execFile);

/** kubectl that goes on until it is stopped. */
export interface RunningKubectl {
  process: ChildProcess;
  /** All that it has said so far. */
  text: () => string;
}

/** kubectl as people run it, with kubeconfigs `NAME.kubeconfig` of one folder, which is its home too. */
export class Kubectl {
  readonly #binary: string;
  readonly #folder: string;

  constructor(binary: string, folder: string) {
    this.#binary = binary;
    this.#folder = folder;
  }

  /** @throws what it wrote to stderr as `stderr` of the error, when it fails or takes longer than two minutes */
  async run(as: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(this.#binary, this.#arguments(as, args), {
      // Where cp puts what it fetches.
      cwd: this.#folder,
      maxBuffer: 256 * 1024 * 1024,
      timeout: 120_000,
      env: this.#env(),
    });
    return stdout;
  }

  /** What kubectl says when it is refused. */
  async refusal(as: string, ...args: string[]): Promise<string> {
    return this.run(as, ...args).then(
      (text) => `it worked: ${text}`,
      (error: { stderr?: string }) => error.stderr ?? 'no word',
    );
  }

  background(as: string, args: string[], env: NodeJS.ProcessEnv = {}): RunningKubectl {
    const process = spawn(this.#binary, this.#arguments(as, args), { env: { ...this.#env(), ...env } });
    let text = '';
    process.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    process.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    // It may end before it has read what it is given.
    process.stdin.on('error', () => undefined);
    return { process, text: () => text };
  }

  #arguments(as: string, args: string[]): string[] {
    return ['--kubeconfig', join(this.#folder, `${as}.kubeconfig`), ...args];
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.#folder };
  }
}

/** Whether it has ended or shows what came late. */
export async function fate({ process, text }: RunningKubectl, late: string): Promise<'ended' | 'goes on'> {
  return eventually(() => {
    if (process.exitCode !== null) return 'ended';
    expect(text()).toContain(late);
    return 'goes on';
  });
}
