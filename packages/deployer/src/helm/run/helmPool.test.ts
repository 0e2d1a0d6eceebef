// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { HelmPool, HelmRunError } from './helmPool.ts';

/** Node stands for helm. */
const call = (script: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) => ({
  args: ['-e', script],
  env: {},
  cwd: tmpdir(),
  timeoutMs: 60_000,
  signal: new AbortController().signal,
  ...more,
});
const pool = (o: { concurrency?: number; maxMemory?: number } = {}): HelmPool => new HelmPool({ path: process.execPath, ...o });

describe('HelmPool', () => {
  it('tells how it ended and what was said last', async () => {
    const script = 'console.log("x".repeat(200000) + "end"); console.error("why"); process.exitCode = 3';
    const { code, stdout, stderr } = await pool().run(call(script));
    expect([code, stderr]).toEqual([3, 'why\n']);
    expect(stdout.endsWith('end\n')).toBe(true);
    expect(stdout.length).toBeLessThanOrEqual(65_536);
  });

  it('passes on nothing of its own environment', async () => {
    const { stdout } = await pool().run(call('console.log(Object.keys(process.env).join())'));
    expect(stdout).toBe('GOMEMLIMIT\n');
  });

  it('kills what takes too long or too much, and what is not wanted any longer', async () => {
    const forever = 'setInterval(() => {}, 1000)';
    await expect(pool().run(call(forever, { timeoutMs: 300 }))).rejects.toThrow(HelmRunError);
    const abort = new AbortController();
    const running = pool().run(call(forever, { signal: abort.signal }));
    abort.abort(new Error('no longer'));
    await expect(running).rejects.toThrow('no longer');
    const hungry = 'const all = []; setInterval(() => all.push(Buffer.alloc(20e6, 1)), 20)';
    if (process.platform === 'linux')
      await expect(pool({ maxMemory: 200 * 1024 * 1024 }).run(call(hungry))).rejects.toThrow(/took more than 200 MiB/);
  });

  it('runs no more at a time than it may', async () => {
    const one = pool({ concurrency: 1 });
    const script = 'console.log(Date.now()); setTimeout(() => console.log(Date.now()), 100)';
    const [a, b] = await Promise.all([one.run(call(script)), one.run(call(script))]);
    const [, endOfFirst = 0] = a.stdout.trim().split('\n').map(Number);
    const [startOfSecond = 0] = b.stdout.trim().split('\n').map(Number);
    expect(startOfSecond).toBeGreaterThanOrEqual(endOfFirst);
  });

  it('says when there is no helm', async () => {
    await expect(new HelmPool({ path: '/no/such/helm' }).run(call(''))).rejects.toThrow(
      /helm cannot be run \(\/no\/such\/helm\)/,
    );
  });
});
