// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Dialer, type DialerOptions } from './dialer.ts';
import { parseAllowRule } from './dialPolicy.ts';

const apiServer = 'https://10.96.0.1:6443';
const never = new AbortController().signal;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A dialer whose connections and names are in memory. */
function dialerTo(o: {
  allow?: string[];
  names?: Record<string, string[]>;
  apiServer?: string;
  known?: { host: string; port: number }[];
  answering?: (address: string) => boolean;
}) {
  const dialled: string[] = [];
  const looked: string[] = [];
  const options: DialerOptions = {
    apiServer: o.apiServer ?? apiServer,
    allow: (o.allow ?? []).map(parseAllowRule),
    known: o.known,
    lookup: (host) => {
      looked.push(host);
      const addresses = o.names?.[host];
      return addresses ? Promise.resolve(addresses) : Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' }));
    },
    connect: (address, port) => {
      dialled.push(`${address} ${port}`);
      if (o.answering?.(address) !== false) return Promise.resolve(new Socket());
      return Promise.reject(Object.assign(new Error(address), { code: 'ECONNREFUSED' }));
    },
  };
  const dialer = new Dialer(options);
  return { dialer, dialled, looked, tcp: (host: string, port = 443) => dialer.dial({ to: 'tcp', host, port }, never) };
}

describe('Dialer', () => {
  it('reaches what another flag named, by that very name and port, and nothing beside it', async () => {
    const names = { localhost: ['127.0.0.1'], other: ['127.0.0.1'] };
    const { dialled, tcp } = dialerTo({ names, known: [{ host: 'localhost', port: 8080 }] });
    await tcp('localhost', 8080);
    expect(dialled).toEqual(['127.0.0.1 8080']);
    for (const [host, port] of [
      ['localhost', 8081],
      ['other', 8080],
      ['127.0.0.1', 8080],
    ] as const) {
      await expect(tcp(host, port)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  it.each([
    ['https://10.96.0.1', '10.96.0.1 443'],
    ['https://10.96.0.1:6443/prefix', '10.96.0.1 6443'],
    ['http://127.0.0.1', '127.0.0.1 80'],
    ['https://[fd00::1]:6443', 'fd00::1 6443'],
    ['https://kubernetes.default.svc', '10.96.0.7 443'],
    ['https://localhost:6443', '127.0.0.1 6443'],
  ])('reaches its own API server %s whatever the policy', async (url, address) => {
    const { dialer, dialled } = dialerTo({
      apiServer: url,
      names: { 'kubernetes.default.svc': ['10.96.0.7'], localhost: ['127.0.0.1'] },
    });
    await dialer.dial({ to: 'direct' }, never);
    expect(dialled).toEqual([address]);
  });

  it('does not reach the same address when it is asked for as anything else', async () => {
    const { tcp, dialled } = dialerTo({});
    await expect(tcp('10.96.0.1', 6443)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(dialled).toEqual([]);
  });

  it('resolves a name once and dials the very address that was checked', async () => {
    const answers = [['10.0.0.1'], ['127.0.0.1']];
    const dialled: string[] = [];
    const dialer = new Dialer({
      apiServer,
      allow: [parseAllowRule('0.0.0.0/0')],
      lookup: () => Promise.resolve(answers.shift() ?? []),
      connect: (address) => {
        dialled.push(address);
        return Promise.resolve(new Socket());
      },
    });
    await dialer.dial({ to: 'tcp', host: 'rebinding.example', port: 80 }, never);
    expect(dialled).toEqual(['10.0.0.1']);
    expect(answers).toHaveLength(1);
  });

  it.each([['127.0.0.1'], ['::1'], ['169.254.169.254'], ['::ffff:169.254.169.254'], ['fd00:ec2::254'], ['0.0.0.0']])(
    'refuses a name that resolves to %s, and says to what',
    async (address) => {
      const { tcp, dialled } = dialerTo({ allow: ['0.0.0.0/0', '::/0'], names: { 'evil.example': [address] } });
      await expect(tcp('evil.example')).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining(address) });
      expect(dialled).toEqual([]);
    },
  );

  it('dials only those addresses of a name that are allowed', async () => {
    const { tcp, dialled } = dialerTo({ allow: ['10.0.0.0/8'], names: { mixed: ['127.0.0.1', '10.0.0.1', '192.168.0.1'] } });
    await tcp('mixed');
    expect(dialled).toEqual(['10.0.0.1 443']);
  });

  it('tries the next address when one does not answer', async () => {
    const names = { two: ['10.0.0.1', '10.0.0.2'] };
    const { tcp, dialled } = dialerTo({ allow: ['10.0.0.0/8'], names, answering: (address) => address === '10.0.0.2' });
    await tcp('two');
    expect(dialled).toEqual(['10.0.0.1 443', '10.0.0.2 443']);
  });

  it('does not look up addresses', async () => {
    const { tcp, looked } = dialerTo({ allow: ['10.0.0.0/8'] });
    await tcp('10.0.0.1');
    expect(looked).toEqual([]);
  });

  it('says what is not reached, and why', async () => {
    const { tcp, dialer } = dialerTo({ allow: ['10.0.0.0/8'], answering: () => false, names: { empty: [] } });
    const refused = (message: string) => ({ code: 'UNREACHABLE', message });
    await expect(tcp('10.0.0.1')).rejects.toMatchObject(refused('10.0.0.1 port 443 is not reached: ECONNREFUSED'));
    await expect(tcp('nowhere')).rejects.toMatchObject(refused('nowhere port 443 is not reached: ENOTFOUND'));
    await expect(tcp('empty')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(dialer.dial({ to: 'direct' }, never)).rejects.toMatchObject(
      refused('the API server of this cluster is not reached: ECONNREFUSED'),
    );
  });

  it('gives up a name or an address that never answers', async () => {
    const forever = () => new Promise<never>(() => undefined);
    const slow = (o: Partial<DialerOptions>) =>
      new Dialer({ apiServer: 'https://api', allow: [], timeoutMs: 20, ...o }).dial({ to: 'direct' }, never);
    await expect(slow({ lookup: forever })).rejects.toMatchObject({
      message: expect.stringContaining('no answer within 0.02 s'),
    });
    const connect: DialerOptions['connect'] = (_address, _port, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    await expect(slow({ lookup: () => Promise.resolve(['10.0.0.1']), connect })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('ends with the reason of the one who does not want it any more', async () => {
    const stop = new AbortController();
    const dialer = new Dialer({ apiServer: 'https://api', allow: [], lookup: () => new Promise(() => undefined) });
    const dial = dialer.dial({ to: 'direct' }, stop.signal);
    stop.abort(new Error('no longer wanted'));
    await expect(dial).rejects.toThrow('no longer wanted');
  });

  it('lets the server go on after the client has finished', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((request) => socket.end(`answer to ${request}`));
    }).listen(0, '127.0.0.1');
    closers.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dialer = new Dialer({ apiServer: `https://127.0.0.1:${port}`, allow: [] });
    const socket = await dialer.dial({ to: 'direct' }, never);
    socket.end('a question');
    expect(await text(socket)).toBe('answer to a question');
  });

  it('passes on that nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const dialer = new Dialer({ apiServer: `https://127.0.0.1:${port}`, allow: [] });
    await expect(dialer.dial({ to: 'direct' }, never)).rejects.toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
