// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// Started by `supervisor.ts` as a process of its own. It runs the processes of one set of clusters, and ends them and removes
// the set's folder when its standard input closes: however the starter went, nothing is left. Imports Node's own modules only,
// to be up at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, closeSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startTimeOf } from './processTable.ts';
import { type Message, processFile, type ProcessFile, type ProcessSpec, type Request } from './protocol.ts';

const folder = process.argv[2] ?? '';
const running = new Map<string, ChildProcess>();
const startTimes = new Map<number, string>();
let detached = false;
let ending = false;

process.on('SIGTERM', () => void end());
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.stdout.on('error', () => {});
recordProcesses();

const input = createInterface({ input: process.stdin });
input.on('line', (line) => handle(JSON.parse(line) as Request));
input.on('close', () => {
  if (!detached) void end();
});
// Keeps the process alive when detached with nothing else to wait for.
setInterval(() => {}, 1 << 30);

function handle(request: Request): void {
  switch (request.op) {
    case 'start':
      start(request.id, request.spec);
      break;
    case 'signal': {
      const child = running.get(request.name);
      if (child) send(child, request.signal);
      say(child ? { id: request.id, ok: true } : { id: request.id, ok: false, error: `${request.name} does not run` });
      break;
    }
    case 'detach':
      detached = true;
      say({ id: request.id, ok: true });
      break;
    case 'shutdown':
      void end(request.id);
      break;
  }
}

function start(id: number, spec: ProcessSpec): void {
  if (running.has(spec.name) || ending) {
    say({ id, ok: false, error: ending ? 'the set is being ended' : `${spec.name} runs already` });
    return;
  }
  let child: ChildProcess;
  try {
    const log = openSync(spec.logPath, 'a');
    try {
      child = spawn(spec.file, spec.args, { cwd: spec.cwd ?? folder, env: spec.env, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
  } catch (cause) {
    say({ id, ok: false, error: `${spec.file}: ${String(cause)}` });
    return;
  }
  child.once('error', (cause) => {
    if (child.pid === undefined) say({ id, ok: false, error: `${spec.file}: ${cause.message}` });
  });
  const { pid } = child;
  if (pid === undefined) return;
  const startTime = startTimeOf(pid) ?? '';
  running.set(spec.name, child);
  startTimes.set(pid, startTime);
  recordProcesses();
  child.once('exit', (code, signal) => {
    running.delete(spec.name);
    startTimes.delete(pid);
    if (!ending) recordProcesses();
    say({ exited: spec.name, pid, code, signal });
  });
  say({ id, ok: true, process: { pid, startTime } });
}

async function end(id?: number): Promise<void> {
  if (ending) return;
  ending = true;
  const children = [...running.values()];
  const gone = Promise.all(children.map((child) => new Promise((resolve) => child.once('exit', resolve))));
  // The data goes with the set: nobody needs to finish anything in order.
  for (const child of children) send(child, 'SIGKILL');
  await gone;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  if (id === undefined) endGroup();
  else process.stdout.write(JSON.stringify({ id, ok: true } satisfies Message) + '\n', endGroup);
}

/** Ends what the processes themselves have started, and this process: it leads the group that all are in. */
function endGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(0);
  }
}

function send(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
}

function say(message: Message): void {
  if (process.stdout.writable) process.stdout.write(JSON.stringify(message) + '\n');
}

function recordProcesses(): void {
  const content: ProcessFile = {
    supervisor: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' },
    processes: [...running].map(([name, { pid = 0 }]) => ({ name, pid, startTime: startTimes.get(pid) ?? '' })),
  };
  const aside = join(folder, `.${processFile}`);
  writeFileSync(aside, JSON.stringify(content, undefined, 1), { mode: 0o600 });
  renameSync(aside, join(folder, processFile));
}
