// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { core, type KubeClient } from '@clusternet/client';
import * as z from 'zod';
import { settle } from '../testing/fakeClock.ts';
import { FakeCollection } from '../testing/fakeCollection.ts';
import { aborted } from '../util/sleep.ts';
import { type ProcessHost } from './processHost.ts';
import { runService, type ServiceOptions } from './runService.ts';

const config = z.object({ clusterRegToken: z.string().optional().describe('a token') });

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

class FakeHost implements ProcessHost {
  env: Record<string, string> = {};
  stdout = new Sink();
  stderr = new Sink();
  exits: number[] = [];
  argv: string[];
  #signal: ((signal: string) => void) | undefined;
  #uncaught: ((error: unknown, origin: string) => void) | undefined;

  constructor(argv: string[]) {
    this.argv = ['--secure-port=0', ...argv];
  }

  onSignal(handler: (signal: string) => void): () => void {
    this.#signal = handler;
    return () => (this.#signal = undefined);
  }

  onUncaught(handler: (error: unknown, origin: string) => void): () => void {
    this.#uncaught = handler;
    return () => (this.#uncaught = undefined);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  kill(signal: string): void {
    this.#signal?.(signal);
  }

  reject(error: unknown): void {
    this.#uncaught?.(error, 'unhandledRejection');
  }

  get listening(): boolean {
    return this.#signal !== undefined || this.#uncaught !== undefined;
  }
}

function setUp(argv: string[], options: Partial<ServiceOptions<typeof config>> = {}) {
  const host = new FakeHost(argv);
  const leases = new FakeCollection(core.leases);
  const client = {
    resource: () => leases.resource,
    close: () => Promise.resolve(closed.push('client')),
  } as unknown as KubeClient;
  const closed: string[] = [];
  const done = runService({
    name: 'clusternet-test',
    description: 'A test.',
    version: '1.2.3',
    config,
    gates: { AppPusher: false },
    host,
    connect: () => Promise.resolve(client),
    run: ({ signal }) => aborted(signal),
    ...options,
  });
  return { host, leases, closed, done };
}

const holder = (leases: FakeCollection): unknown =>
  (leases.get('clusternet-system/clusternet-test')?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity;

describe('runService', () => {
  it.each([
    [['--help'], 0, /Usage:\n {2}clusternet-test \[flags\]/],
    [['--version'], 0, /^clusternet-test 1\.2\.3\n$/],
    [['--print-config', '--cluster-reg-token=sesame'], 0, /clusterRegToken: "\[redacted\]"/],
  ])('prints for %j and ends', async (argv, code, text) => {
    const { host, done } = setUp(argv);
    await done;
    expect(host.exits).toEqual([code]);
    expect(host.stdout.text).toMatch(text);
    expect(host.stdout.text).not.toContain('sesame');
  });

  it.each([[['--no-such-flag']], [['--feature-gates=Nonsense=true']], [['--kube-api-qps=x']]])(
    'ends with 2 and a hint for %j',
    async (argv) => {
      const { host, done } = setUp(argv);
      await done;
      expect(host.exits).toEqual([2]);
      expect(host.stderr.text).toMatch(/^clusternet-test: .*\nRun 'clusternet-test --help' for all flags\.\n$/);
    },
  );

  it('logs its settings at the start, without secrets', async () => {
    const { host, done } = setUp(['--cluster-reg-token=sesame', '--feature-gates=AppPusher=true']);
    host.kill('SIGTERM');
    await settle();
    host.kill('SIGTERM');
    await done;
    expect(host.stdout.text).toContain('"clusterRegToken":"[redacted]"');
    expect(host.stdout.text).toContain('gates=["AppPusher"]');
    expect(host.stdout.text).not.toContain('sesame');
  });

  it('takes the gates of other components, which do nothing here', async () => {
    const { host, done } = setUp(['--feature-gates=SocketConnection=true,Predictor=false', '--print-config']);
    await done;
    expect(host.exits).toEqual([0]);
  });

  it('ends a failed start with one clear message and 1', async () => {
    const { host, done } = setUp([], { connect: () => Promise.reject(new Error('the kubeconfig /x cannot be read')) });
    await done;
    expect(host.exits).toEqual([1]);
    const errors = host.stdout.text.split('\n').filter((line) => line.includes('ERROR'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('the kubeconfig /x cannot be read');
    expect(host.listening).toBe(false);
  });

  it('stops in order: unready, work aborted and awaited, lease given up, client closed, 0', async () => {
    const order: string[] = [];
    let finish = (): void => undefined;
    const { host, leases, closed, done } = setUp([], {
      run: ({ elect, health, signal }) =>
        elect(async (leading, { uid }) => {
          order.push(`leading ${uid} ${signal.aborted}`);
          await aborted(leading);
          order.push(`ready ${health.ready().every(({ problem }) => problem === undefined)}`);
          await new Promise<void>((resolve) => (finish = resolve));
          order.push(`closed ${closed.length}`);
        }),
    });
    await settle();
    expect(holder(leases)).toEqual(expect.any(String));
    host.kill('SIGTERM');
    await settle();
    expect(host.exits).toEqual([]);
    finish();
    await done;
    expect(order).toEqual(['leading uid-1 false', 'ready false', 'closed 0']);
    expect(holder(leases)).toBe('');
    expect(closed).toEqual(['client']);
    expect(host.exits).toEqual([0]);
    expect(host.listening).toBe(false);
  });

  it('ends at once on the second signal', async () => {
    let finish = (): void => undefined;
    const { host, done } = setUp([], { run: () => new Promise<void>((resolve) => (finish = resolve)) });
    await settle();
    host.kill('SIGINT');
    expect(host.exits).toEqual([]);
    host.kill('SIGINT');
    expect(host.exits).toEqual([1]);
    finish();
    await done;
  });

  it('runs without election, and still has a Lease whose uid names it', async () => {
    const uids: string[] = [];
    const { host, leases, done } = setUp(['--leader-elect=false'], {
      run: ({ elect }) =>
        elect(async (leading, { uid }) => {
          uids.push(uid);
          await aborted(leading);
        }),
    });
    await settle();
    host.kill('SIGTERM');
    await done;
    expect(uids).toEqual(['uid-1']);
    expect(holder(leases)).toBeUndefined();
    expect(host.exits).toEqual([0]);
  });

  it('ends with 1 when the service fails, its lease given up', async () => {
    const { host, leases, done } = setUp([], { run: ({ elect }) => elect(() => Promise.reject(new Error('cannot go on'))) });
    await done;
    expect(host.exits).toEqual([1]);
    expect(host.stdout.text).toContain('cannot go on');
    expect(holder(leases)).toBe('');
  });

  it('logs what nobody caught and ends', async () => {
    const { host, done } = setUp([]);
    await settle();
    host.reject(new Error('forgotten abcdef.0123456789abcdef'));
    expect(host.exits).toEqual([1]);
    await settle();
    expect(host.stdout.text).toContain('an error nobody caught');
    expect(host.stdout.text).not.toContain('0123456789abcdef');
    host.kill('SIGTERM');
    await done;
  });
});
