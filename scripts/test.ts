// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * The whole test run: types and lint, unit tests of every package, then the end-to-end tests on real clusters.
 *
 *   pnpm test                 everything
 *   pnpm test unit [PATTERN]  unit tests whose path matches
 *   pnpm test e2e [PATTERN]   end-to-end tests whose path matches
 *
 * The last lines name what failed, and count the tests of all suites: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const root = resolve(import.meta.dirname, '..');

interface Totals {
  passed: number;
  failed: number;
}

/** What is read of the report that jest writes with `--json`. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: {
    name: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

const [what = 'all', ...patterns] = process.argv.slice(2);
if (!['all', 'unit', 'e2e'].includes(what)) {
  console.error(`test: "${what}" is none of all, unit, e2e; usage: pnpm test [unit|e2e [PATTERN]]`);
  process.exit(2);
}

const totals: Totals = { passed: 0, failed: 0 };
const failures: string[] = [];
let broken = false;

// One core or two, types, lint and build together keep them busy, and none of them minds being slow.
const [sound, built] = await Promise.all([what === 'all' && check(), what !== 'unit' && build()]);
if (what === 'all' && !sound) broken = true;
if (what !== 'e2e') await jest('unit', ['--config', 'config/jest.unit.js', ...patterns]);
// Most of their time these wait, for leases to pass and services to come back: two at a time fit even on two cores.
if (built) await jest('e2e', ['--config', 'config/jest.e2e.js', '--maxWorkers=2', ...patterns]);
else if (what !== 'unit') broken = true;

for (const failure of failures) console.log(failure);
if (broken) console.error('Not all went well beside the tests themselves: see above for types, lint or the build.');
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(broken || totals.failed > 0 || totals.passed === 0 ? 1 : 0);

/** Types, lint and format of everything. */
async function check(): Promise<boolean> {
  const results = await Promise.all(['typecheck', 'lint'].map((script) => run(process.execPath, ['--run', script])));
  return results.every(Boolean);
}

/**
 * What end-to-end tests start: the bundles, as the images carry them, and the clusters' programs, which take minutes to build on a machine
 * that has none; that is no test's time.
 */
async function build(): Promise<boolean> {
  const results = await Promise.all([
    run(bin('turbo'), ['run', 'build', '--concurrency=2', '--output-logs=errors-only']),
    run(process.execPath, ['--conditions=@clusternet/source', 'packages/localup/src/cli.ts', 'binaries']),
  ]);
  return results.every(Boolean);
}

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
    const report = JSON.parse(await readFile(outputFile, 'utf8')) as Report;
    totals.passed += report.numPassedTests;
    // A suite that could not even be loaded has no tests to count, yet must not pass as nothing.
    totals.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
    failures.push(...report.testResults.flatMap(failuresOf));
  } catch {
    broken = true;
  }
  broken ||= !ok && totals.failed === 0;
  await rm(dir, { recursive: true, force: true });
}

function failuresOf({ name, message, assertionResults }: Report['testResults'][number]): string[] {
  const suite = relative(root, name);
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return message === '' ? [] : [`FAIL ${suite}: ${firstLine(message)}`];
  return failed.map(({ fullName, failureMessages }) => `FAIL ${suite}: ${fullName}: ${firstLine(failureMessages[0] ?? '')}`);
}

function firstLine(text: string): string {
  return stripVTControlCharacters(text).trim().split('\n', 1)[0] ?? '';
}

function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name);
}

async function run(command: string, args: string[]): Promise<boolean> {
  // jest prints its JSON report to stdout too when asked for a file in some versions: only stderr carries text for people.
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', args.includes('--json') ? 'ignore' : 'inherit', 'inherit'] });
  return await new Promise((done) => child.on('close', (code) => done(code === 0)).on('error', () => done(false)));
}
