// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { EventLog } from './eventLog.ts';
import { serveWatch } from './serveWatch.ts';

it('ends a watch in good order when its time is over, which may be any number', async () => {
  const log = new EventLog<KubeObject>({ capacity: 10 });
  log.reset(1);
  const initial = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '1' } }];
  const server = createServer((_request, response) => {
    serveWatch({
      response,
      signal: new AbortController().signal,
      log,
      collection: 'a',
      apiVersion: 'v1',
      kind: 'ConfigMap',
      from: log.end(),
      initial,
      matches: () => true,
      bookmarks: false,
      timeoutMs: 20.5,
      form: { as: 'object' },
      printer: { columns: [], cells: () => [] },
    }).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await answer.text()).toBe(`${JSON.stringify({ type: 'ADDED', object: initial[0] })}\n`);
  server.close();
});

it('keeps nothing of the changes that it has told', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const log = new EventLog<KubeObject>({ capacity: 10 });
  log.reset(1);
  let told = 0;
  const response = {
    writeHead: () => undefined,
    flushHeaders: () => undefined,
    write: () => (told++, true),
    end: () => undefined,
    destroyed: false,
  } as unknown as ServerResponse;
  const stop = new AbortController();
  const watch = serveWatch({
    response,
    signal: stop.signal,
    log,
    collection: 'a',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    from: log.end(),
    initial: [],
    matches: () => true,
    bookmarks: true,
    timeoutMs: 600_000,
    form: { as: 'object' },
    printer: { columns: [], cells: () => [] },
  });
  const change = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) {
      const version = log.version + 1;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: String(version) } };
      log.append({ collection: 'a', version, previous: undefined, object });
      const before = told;
      while (told === before) await turn();
      await turn();
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await change(1_000);
  const after = await change(20_000);
  stop.abort();
  await watch;
  expect(told).toBe(21_000);
  // What a wait leaves behind takes some 250 bytes.
  expect(after - before).toBeLessThan(2_000_000);
});
