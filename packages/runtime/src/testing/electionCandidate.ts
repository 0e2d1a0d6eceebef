// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync } from 'node:fs';
import * as z from 'zod';
import { runService, WorkQueue, aborted } from '../index.ts';

/** What one candidate did, and when: the clock is that of the machine, so that the lines of several candidates can be compared. */
export interface Act {
  pid: number;
  atMs: number;
}

// A service that, while it leads, works a key fifty times a second and writes each time down: for end-to-end tests of the election.
await runService({
  name: 'election-candidate',
  description: 'Acts while it leads.',
  version: '0.0.0',
  gates: {},
  config: z.object({ actFile: z.string().describe('file that the acts are appended to') }),
  run: ({ elect, config, logger }) =>
    elect(async (leading) => {
      const queue = new WorkQueue({
        name: 'acts',
        logger,
        signal: leading,
        reconcile: async () => {
          const act: Act = { pid: process.pid, atMs: Date.now() };
          appendFileSync(config.actFile, `${JSON.stringify(act)}\n`);
          return { requeueAfterMs: 20 };
        },
      });
      queue.start();
      queue.add('act');
      await aborted(leading);
      await queue.close();
    }),
});
