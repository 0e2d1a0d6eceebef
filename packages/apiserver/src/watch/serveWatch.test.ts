// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
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
