// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * The whole test run: types and lint, unit tests of every package, then the end-to-end tests on real clusters.
 *
 *   pnpm test                 everything
 *   pnpm test unit [PATTERN]  unit tests whose path matches
 *   pnpm test e2e [PATTERN]   end-to-end tests whose path matches
 *
 * The last line counts the tests of all suites: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

interface Totals {
  passed: number;
  failed: number;
}

const [what = 'all', ...patterns] = process.argv.slice(2);
if (!['all', 'unit', 'e2e'].includes(what)) {
  console.error(`test: "${what}" is none of all, unit, e2e; usage: pnpm test [unit|e2e [PATTERN]]`);
  process.exit(2);
}

const totals: Totals = { passed: 0, failed: 0 };
let broken = false;

if (what === 'all')
  broken =
    !(await run(bin('turbo'), ['run', 'typecheck', 'lint', 'lint:root', '--continue', '--output-logs=errors-only'])) || broken;
if (what !== 'e2e') await jest('unit', ['--config', 'config/jest.unit.js', ...patterns]);
if (what !== 'unit') {
  // What e2e starts is what the images carry: the bundles. The clusters' programs take minutes to build on a machine that has none, and
  // that is no test's time.
  const built = await run(bin('turbo'), ['run', 'build', '--output-logs=errors-only']);
  if (built && (await run(process.execPath, ['--conditions=@clusternet/source', 'packages/localup/src/cli.ts', 'binaries']))) {
    // Most of their time these wait, for leases to pass and services to come back: two at a time fit even on two cores.
    await jest('e2e', ['--config', 'config/jest.e2e.js', '--maxWorkers=2', '--verbose', ...patterns]);
  } else broken = true;
}

if (broken) console.error('Not all went well beside the tests themselves: see above for types, lint or the build.');
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(broken || totals.failed > 0 || totals.passed === 0 ? 1 : 0);

async function jest(name: string, args: string[]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'clusternet-test-'));
  const outputFile = join(dir, `${name}.json`);
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const ok = await run(process.execPath, [
    ...flags,
    'node_modules/jest/bin/jest.js',
    '--json',
    '--outputFile',
    outputFile,
    ...args,
  ]);
  try {
    const report = JSON.parse(await readFile(outputFile, 'utf8')) as Record<string, number>;
    totals.passed += report['numPassedTests'] ?? 0;
    // A suite that could not even be loaded has no tests to count, yet must not pass as nothing.
    totals.failed += (report['numFailedTests'] ?? 0) + (report['numRuntimeErrorTestSuites'] ?? 0);
  } catch {
    broken = true;
  }
  broken ||= !ok;
  await rm(dir, { recursive: true, force: true });
}

function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name);
}

async function run(command: string, args: string[]): Promise<boolean> {
  // jest prints its JSON report to stdout too when asked for a file in some versions: only stderr carries text for people.
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', args.includes('--json') ? 'ignore' : 'inherit', 'inherit'] });
  return await new Promise((done) => child.on('close', (code) => done(code === 0)).on('error', () => done(false)));
}
