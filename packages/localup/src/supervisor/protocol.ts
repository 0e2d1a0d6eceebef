// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ProcessIdentity } from './processTable.ts';

/** A process that the supervisor is to run. */
export interface ProcessSpec {
  /** Unique among the running ones. */
  name: string;
  file: string;
  args: string[];
  /** The whole environment. */
  env: Record<string, string>;
  cwd?: string;
  /** Standard output and error are appended here. */
  logPath: string;
}

/** What a starter asks of its supervisor: one JSON object per line on its standard input. */
export type Request =
  | { id: number; op: 'start'; spec: ProcessSpec }
  | { id: number; op: 'signal'; name: string; signal: NodeJS.Signals }
  /** From now on the set lives on when the starter goes. */
  | { id: number; op: 'detach' }
  /** End all and remove the folder. */
  | { id: number; op: 'shutdown' };

/** What the supervisor says: one JSON object per line on its standard output. */
export type Message =
  | { id: number; ok: true; process?: ProcessIdentity }
  | { id: number; ok: false; error: string }
  | { exited: string; pid: number; code: number | null; signal: NodeJS.Signals | null };

/** The file, in the set's folder, that names every process of the set: what a crash leaves can be found by it. */
export const processFile = 'processes.json';

/** What {@link processFile} holds. */
export interface ProcessFile {
  supervisor: ProcessIdentity;
  processes: (ProcessIdentity & { name: string })[];
}
