// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { isStopped, startTimeOf } from './processTable.ts';

it('tells whether a process is there, and whether it stands still', async () => {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 10)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { pid = 0 } = child;
  await once(child.stdout, 'data');
  expect(startTimeOf(pid)).toBeDefined();
  expect(isStopped(pid)).toBe(false);
  child.kill('SIGSTOP');
  while (!isStopped(pid)) await sleep(5);
  child.kill('SIGCONT');
  while (isStopped(pid)) await sleep(5);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(startTimeOf(pid)).toBeUndefined();
  expect(isStopped(pid)).toBe(false);
});
