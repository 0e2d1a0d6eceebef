// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { LocalupError } from '../errors.ts';
import { endLeftovers } from './leftovers.ts';
import { type Message, type ProcessSpec, type Request } from './protocol.ts';

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that a {@link Supervisor} runs. */
export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  /** How it ended; `undefined` while it runs. */
  readonly exit: Exit | undefined;
  /** Settles when the process has ended. */
  readonly exited: Promise<Exit>;
  signal(signal: NodeJS.Signals): Promise<void>;
}

type RequestBody = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/**
 * The starter's end of the process that runs everything in one folder. When the starter goes, in whatever way, the pipe
 * between the two closes, and the supervisor ends all and removes the folder.
 */
export class Supervisor {
  readonly folder: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #pipes: { stdin: Writable; stdout: Readable };
  readonly #waiting = new Map<number, { resolve: (message: Message) => void; reject: (cause: Error) => void }>();
  readonly #processes = new Map<number, (exit: Exit) => void>();
  readonly #earlyExits = new Map<number, Exit>();
  #nextId = 1;
  #gone = false;

  private constructor(folder: string, child: ChildProcess, pipes: { stdin: Writable; stdout: Readable }) {
    const { stdin, stdout } = pipes;
    this.folder = folder;
    this.#child = child;
    this.#pipes = pipes;
    this.pid = child.pid ?? 0;
    stdin.on('error', () => {});
    createInterface({ input: stdout }).on('line', (line) => this.#hear(JSON.parse(line) as Message));
    child.once('exit', () => this.#onGone());
  }

  /** Whether it has ended, and with it all that it ran. */
  get ended(): boolean {
    return this.#gone;
  }

  /** Starts a supervisor for a folder that exists. */
  static async start(folder: string): Promise<Supervisor> {
    const log = openSync(join(folder, 'supervisor.log'), 'a');
    try {
      const child = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), folder],
        // A session of its own: Ctrl-C in the starter's terminal is the starter's.
        { cwd: folder, detached: true, stdio: ['pipe', 'pipe', log], env: { PATH: process.env['PATH'] ?? '' } },
      );
      await once(child, 'spawn');
      const { stdin, stdout } = child;
      if (!stdin || !stdout) throw new LocalupError('the supervisor has no pipes');
      return new Supervisor(folder, child, { stdin, stdout });
    } finally {
      closeSync(log);
    }
  }

  /**
   * Starts a process.
   * @throws LocalupError when it cannot be started.
   */
  async run(spec: ProcessSpec): Promise<SupervisedProcess> {
    const message = await this.#ask({ op: 'start', spec });
    if (!('process' in message) || message.process === undefined) throw new LocalupError(`${spec.name}: not started`);
    const { pid } = message.process;
    let exit = this.#earlyExits.get(pid);
    this.#earlyExits.delete(pid);
    const exited = exit
      ? Promise.resolve(exit)
      : new Promise<Exit>((resolve) => {
          this.#processes.set(pid, (how) => {
            exit = how;
            resolve(how);
          });
        });
    return {
      name: spec.name,
      pid,
      get exit() {
        return exit;
      },
      exited,
      signal: async (signal) => {
        if (!exit) await this.#ask({ op: 'signal', name: spec.name, signal });
      },
    };
  }

  /** Lets the processes outlive the starter; they end with {@link endSet}. */
  async detach(): Promise<void> {
    await this.#ask({ op: 'detach' });
    this.#child.unref();
    for (const pipe of Object.values(this.#pipes)) if (pipe instanceof Socket) pipe.unref();
  }

  /** Ends all processes and removes the folder. */
  async close(): Promise<void> {
    if (this.#gone) return;
    const exited = once(this.#child, 'exit');
    await this.#ask({ op: 'shutdown' });
    await exited;
  }

  async #ask(body: RequestBody): Promise<Message> {
    if (this.#gone) throw new LocalupError('the clusters have been ended');
    const id = this.#nextId++;
    const message = await new Promise<Message>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#pipes.stdin.write(JSON.stringify({ id, ...body }) + '\n');
    });
    if ('ok' in message && !message.ok) throw new LocalupError(message.error);
    return message;
  }

  #hear(message: Message): void {
    if ('exited' in message) {
      const { pid, code, signal } = message;
      const settle = this.#processes.get(pid);
      if (settle) settle({ code, signal });
      else this.#earlyExits.set(pid, { code, signal });
      this.#processes.delete(pid);
      return;
    }
    this.#waiting.get(message.id)?.resolve(message);
    this.#waiting.delete(message.id);
  }

  #onGone(): void {
    this.#gone = true;
    for (const { reject } of this.#waiting.values()) reject(new LocalupError('the supervisor of the clusters has ended'));
    this.#waiting.clear();
    for (const settle of this.#processes.values()) settle({ code: null, signal: 'SIGKILL' });
    this.#processes.clear();
    // After an orderly end the folder is gone and this finds nothing; after a kill of the supervisor it ends what it ran.
    void endLeftovers(this.folder);
  }
}
