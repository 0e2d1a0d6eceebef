// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { isForbidden, isGone } from './apiError.ts';
import { ConnectionError } from './connectionError.ts';
import { core } from './core.ts';
import { KubeClient } from './kubeClient.ts';
import { refuse, TestServer } from './testing/testServer.ts';
import { type WatchEvent } from './watch.ts';

interface Setup {
  events: WatchEvent<{ metadata: { name: string } }>[];
  error: unknown;
}

async function watchAll(
  handler: (response: ServerResponse) => void,
  o: { timeoutSeconds?: number; signal?: AbortSignal } = {},
): Promise<Setup> {
  await using server = await TestServer.start((_, s) => handler(s));
  await using client = KubeClient.fromOptions({ server: server.url });
  const events: Setup['events'] = [];
  try {
    const watch = client.resource(core.configMaps).watch({ signal: new AbortController().signal, ...o });
    for await (const event of watch) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const added = (name: string): string => line('ADDED', { metadata: { name } });
const names = ({ events }: Setup): string[] => events.map((e) => e.object.metadata.name);

describe('watch', () => {
  it('reads events cut at any byte', async () => {
    const bytes = Buffer.from(['grüße', '集群', '🚀'].map(added).join(''));
    const result = await watchAll((s) => {
      s.writeHead(200);
      let at = 0;
      const step = (): void => {
        if (at === bytes.length) return void s.end();
        s.write(bytes.subarray(at, ++at), () => setImmediate(step));
      };
      step();
    });
    expect(result.error).toBeUndefined();
    expect(names(result)).toEqual(['grüße', '集群', '🚀']);
  });

  it('takes an event of many megabytes', async () => {
    const result = await watchAll(
      (s) => void s.writeHead(200).end(line('ADDED', { metadata: { name: 'x'.repeat(20_000_000) } })),
    );
    expect(names(result).map((name) => name.length)).toEqual([20_000_000]);
  });

  it('asks for bookmarks and its own end', async () => {
    await using server = await TestServer.start((_, s) => void s.end());
    await using client = KubeClient.fromOptions({ server: server.url });
    const watch = client.resource(core.configMaps).watch({
      namespace: 'a',
      labelSelector: 'x',
      resourceVersion: '5',
      timeoutSeconds: 7,
      signal: new AbortController().signal,
    });
    for await (const event of watch) expect(event).toBeUndefined();
    expect(server.requests[0]?.url).toBe(
      '/api/v1/namespaces/a/configmaps?labelSelector=x&resourceVersion=5&timeoutSeconds=7&watch=true&allowWatchBookmarks=true',
    );
    expect(server.requests[0]?.headers['accept-encoding']).toBeUndefined();
  });

  it('throws an ERROR event, after the events before it', async () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (5)' };
    const result = await watchAll((s) => void s.writeHead(200).end(added('a') + line('ERROR', status)));
    expect(names(result)).toEqual(['a']);
    expect(isGone(result.error)).toBe(true);
    expect((result.error as Error).message).toBe('too old resource version: 1 (5)');
  });

  it('throws a refusal', async () => {
    const result = await watchAll((s) => refuse(s, 403, 'Forbidden', { message: 'no' }));
    expect(isForbidden(result.error)).toBe(true);
  });

  it('throws when the connection breaks', async () => {
    const result = await watchAll((s) => {
      s.writeHead(200);
      s.write(added('a'), () => setTimeout(() => s.socket?.destroy(), 20));
    });
    expect(names(result)).toEqual(['a']);
    expect(result.error).toBeInstanceOf(ConnectionError);
  });

  it('throws for a line that is no event', async () => {
    const result = await watchAll((s) => void s.writeHead(200).end(`${added('a')}{"type":`));
    expect(names(result)).toEqual(['a']);
    expect(result.error).toMatchObject({ name: 'ConnectionError', code: 'INVALID_JSON' });
  });

  it('ends when nothing comes for longer than it should last', async () => {
    const result = await watchAll(
      (s) => {
        s.writeHead(200);
        s.write(added('a'));
      },
      { timeoutSeconds: -4.5 },
    );
    expect(names(result)).toEqual(['a']);
    expect(result.error).toBeUndefined();
  });

  it('ends quietly on abort, wherever it is', async () => {
    expect(await watchAll(() => undefined, { signal: AbortSignal.abort() })).toEqual({ events: [], error: undefined });
    const waiting = new AbortController();
    expect(await watchAll(() => waiting.abort(), { signal: waiting.signal })).toEqual({ events: [], error: undefined });
    const open = new AbortController();
    const result = await watchAll(
      (s) => {
        s.writeHead(200);
        s.write(added('a'));
        setTimeout(() => open.abort(), 30);
      },
      { signal: open.signal },
    );
    expect(names(result)).toEqual(['a']);
    expect(result.error).toBeUndefined();
  });

  it('closes its connection when the consumer stops', async () => {
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    await using server = await TestServer.start((_, s) => {
      s.writeHead(200).write(added('a'));
      s.on('close', closed);
    });
    await using client = KubeClient.fromOptions({ server: server.url });
    for await (const event of client.resource(core.configMaps).watch({ signal: new AbortController().signal })) {
      expect(event.type).toBe('ADDED');
      break;
    }
    await gone;
  });

  it('slows the server down for a slow consumer and loses nothing', async () => {
    const total = 2_000;
    let written = 0;
    await using server = await TestServer.start((_, s) => {
      s.writeHead(200);
      const next = (): void => {
        while (written < total) {
          written += 1;
          if (!s.write(line('ADDED', { metadata: { name: `${written}` }, pad: 'x'.repeat(50_000) })))
            return void s.once('drain', next);
        }
        s.end();
      };
      next();
    });
    await using client = KubeClient.fromOptions({ server: server.url });
    let seen = 0;
    for await (const event of client.resource(core.configMaps).watch({ signal: new AbortController().signal })) {
      seen += 1;
      if (seen === 1) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        // 100 MB are to come; what is out is in socket buffers and one bounded queue.
        expect(written).toBeLessThan(total / 2);
      }
      expect(event.object.metadata.name).toBe(`${seen}`);
    }
    expect(seen).toBe(total);
  });

  it('is opened again with a fresh credential', async () => {
    let token = 'old';
    await using server = await TestServer.start((q, s) => {
      if (q.headers.authorization === 'Bearer new') return void s.writeHead(200).end(added('a'));
      token = 'new';
      refuse(s, 401, 'Unauthorized');
    });
    await using client = KubeClient.fromOptions({ server: server.url, token: () => token });
    const seen: string[] = [];
    for await (const e of client.resource(core.configMaps).watch({ signal: new AbortController().signal })) seen.push(e.type);
    expect(seen).toEqual(['ADDED']);
  });
});
