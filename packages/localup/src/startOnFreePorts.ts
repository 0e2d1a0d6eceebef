// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { LocalupError } from './errors.ts';
import { logTail } from './logTail.ts';
import { type SupervisedProcess } from './supervisor/supervisor.ts';

/** Starts something that listens; tried again when another process took its port in the moment between choice and use. */
export async function startOnFreePorts(options: {
  logPath: string;
  /** Chooses ports and starts the process. */
  start: () => Promise<SupervisedProcess>;
  /** Waits until it serves; rejects when it has ended. */
  ready: (started: SupervisedProcess) => Promise<void>;
  attempts?: number;
}): Promise<SupervisedProcess> {
  for (let attempt = 1; ; attempt++) {
    const started = await options.start();
    try {
      await options.ready(started);
      return started;
    } catch (cause) {
      const clash = started.exit !== undefined && (await portWasTaken(options.logPath));
      if (clash && attempt < (options.attempts ?? 4)) continue;
      throw new LocalupError(`${started.name} did not start; its log ends with\n${await logTail(options.logPath)}`, { cause });
    }
  }
}

/** Whether a log says, among its last lines, that a port was in use. */
export async function portWasTaken(logPath: string): Promise<boolean> {
  const text = await readFile(logPath, 'utf8').catch(() => '');
  return /address already in use/i.test(text.slice(-20_000));
}

/** Why waiting for a process is hopeless: it has ended. */
export function ended(started: SupervisedProcess): string | undefined {
  return started.exit && `${started.name} has ended (${started.exit.signal ?? `exit code ${started.exit.code}`})`;
}
