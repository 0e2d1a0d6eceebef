// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** `pnpm bench NAME`: text for people, then one last line of JSON with every figure. */
import { type Bench } from './bench.ts';

const benches: Record<string, () => Promise<{ bench: Bench }>> = {
  client: () => import('./client.ts'),
  fanout: () => import('./fanout.ts'),
  render: () => import('./render.ts'),
  schedule: () => import('./schedule.ts'),
  shadow: () => import('./shadow.ts'),
  tunnel: () => import('./tunnel.ts'),
};

const [name = ''] = process.argv.slice(2);
const load = benches[name];
if (load === undefined) {
  console.error(
    `bench: ${name === '' ? 'no name given' : `there is no bench "${name}"`}; one of: ${Object.keys(benches).join(', ')}`,
  );
  process.exit(2);
}
const { bench } = await load();
console.log(`${bench.name}: ${bench.summary}`);
const figures = await bench.run((line) => console.log(line));
console.log(JSON.stringify({ bench: bench.name, ...figures }));
process.exit(0);
