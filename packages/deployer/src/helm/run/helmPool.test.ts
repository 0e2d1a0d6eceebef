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
    const { signal } = new AbortController();
    const inTurn = () => one.inTurn(signal, () => one.run(call(script)));
    const [a, b] = await Promise.all([inTurn(), inTurn()]);
    const [, endOfFirst = 0] = a.stdout.trim().split('\n').map(Number);
    const [startOfSecond = 0] = b.stdout.trim().split('\n').map(Number);
    expect(startOfSecond).toBeGreaterThanOrEqual(endOfFirst);
  });

  it('lets go of who does not want to wait any longer, before its turn and without work', async () => {
    const one = pool({ concurrency: 1 });
    const [end, abort] = [new AbortController(), new AbortController()];
    const first = one.inTurn(end.signal, () => one.run(call('setInterval(() => {}, 1000)', { signal: end.signal })));
    let begun = false;
    const second = one.inTurn(abort.signal, async () => void (begun = true));
    abort.abort(new Error('no longer'));
    await expect(second).rejects.toThrow('no longer');
    end.abort(new Error('the end'));
    await expect(first).rejects.toThrow('the end');
    await expect(one.inTurn(new AbortController().signal, async () => 'next')).resolves.toBe('next');
    expect(begun).toBe(false);
  });

  it('says when there is no helm', async () => {
    await expect(new HelmPool({ path: '/no/such/helm' }).run(call(''))).rejects.toThrow(
      /helm cannot be run \(\/no\/such\/helm\)/,
    );
  });
});
