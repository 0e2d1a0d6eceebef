// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { CliError } from '../errors.ts';

/** A program to run in this one's place. */
export interface ProgramOptions {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Aborted to end the program before its time. */
  signal?: AbortSignal;
  /** Given what the program writes to its standard output, instead of ours. */
  onOutput?: (chunk: string) => void;
}

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Runs a program with our terminal until it ends, passes signals on to it, and gives its exit code, 128 and more for a signal. */
export function runProgram({ program, args, env, signal, onOutput }: ProgramOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, signal, stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'] });
    // A terminal sends what is typed to both of us; we only stay until the program has tidied up.
    const fromTerminal = isatty(0) || isatty(1) || isatty(2);
    const handlers = passedOn.map((name) => {
      const isTyped = fromTerminal && (name === 'SIGINT' || name === 'SIGQUIT');
      const handler = (): void => void (isTyped || child.kill(name));
      process.on(name, handler);
      return { name, handler };
    });
    const settle = (): void => {
      for (const { name, handler } of handlers) process.off(name, handler);
    };
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => onOutput?.(chunk));
    child.once('error', (cause) => {
      if (cause.name === 'AbortError') return;
      settle();
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      const problem = isMissing ? 'there is no such program' : cause.message;
      reject(new CliError(`${program} cannot be run: ${problem}`, { exitCode: isMissing ? 127 : 126, cause }));
    });
    child.once('close', (code, killedBy) => {
      settle();
      resolve(code ?? 128 + (killedBy ? constants.signals[killedBy] : 0));
    });
  });
}
