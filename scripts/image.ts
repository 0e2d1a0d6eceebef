// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Makes the contents of a service's image in plain folders and tries them out, without a container engine.
 *
 *   node scripts/image.ts SERVICE [--out DIR]
 *
 * The steps are those that the service's Dockerfile runs (scripts/image-steps.sh). What comes out, `DIR/app`, is then started as the
 * image would start it: read-only, as user 65532, with nothing but Node at hand.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const services = ['hub', 'agent', 'scheduler', 'override-engine'];
/** Those that deploy charts. */
const withHelm = ['hub', 'agent'];
const nonRoot = 65532;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const [service = ''] = positionals;
if (!services.includes(service) || positionals.length !== 1) {
  console.error(
    `image: "${positionals.join(' ')}" is none of ${services.join(', ')}; usage: node scripts/image.ts SERVICE [--out DIR]`,
  );
  process.exit(2);
}

const work = await mkdtemp(join(tmpdir(), `clusternet-image-${service}-`));
try {
  await makeImage(work);
  const app = join(work, 'app');
  await smoke(app);
  if (withHelm.includes(service)) await smokeHelm(app);
  if (values.out !== undefined) {
    await mkdir(values.out, { recursive: true });
    await cp(app, join(values.out, 'app'), { recursive: true, force: true });
  }
  console.log(`image ${service}: ok`);
} catch (error) {
  console.error(`image ${service}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(work, { recursive: true, force: true });
}

/** The stages of the Dockerfile, each `COPY` a copy of a folder. */
async function makeImage(dir: string): Promise<void> {
  const out = join(dir, 'out');
  const repo = join(dir, 'repo');
  await step(root, 'prune', service, out);
  await cp(join(out, 'json'), repo, { recursive: true });
  await step(repo, 'install');
  await cp(join(out, 'full'), repo, { recursive: true, force: true });
  await step(repo, 'build', service);
  await step(repo, 'collect', service, join(dir, 'app'));
  if (!withHelm.includes(service)) return;
  const helm = join(dir, 'helm');
  await step(root, 'helm', helm);
  await chmod(join(dir, 'app'), 0o755);
  await cp(join(helm, 'helm'), join(dir, 'app', 'helm'));
  await chmod(join(dir, 'app'), 0o555);
}

async function step(cwd: string, ...args: string[]): Promise<void> {
  console.log(`> image-steps.sh ${args.join(' ')}`);
  const script = join(cwd, 'scripts', 'image-steps.sh');
  const { code } = await run(script, args, { cwd, stdio: 'inherit' });
  if (code !== 0) throw new Error(`step "${args.join(' ')}" failed with exit code ${code}`);
}

/** What any image must do before it is worth pushing. */
async function smoke(app: string): Promise<void> {
  await chmod(work, 0o755);
  const help = await start(app, ['--help']);
  expect(help, help.code === 0 && help.stdout.includes('--kubeconfig'), '--help prints the flags');

  const { version } = JSON.parse(await readFile(join(root, 'packages', service, 'package.json'), 'utf8')) as { version: string };
  const shown = await start(app, ['--version']);
  expect(shown, shown.code === 0 && shown.stdout.includes(version), `--version prints ${version}`);

  // What a service cannot do without; a flag that it does not need is not given, as unknown flags are errors.
  const needed =
    service === 'agent' ? ['--cluster-reg-parent-url=https://127.0.0.1:1', '--cluster-reg-token=abcdef.0123456789abcdef'] : [];
  const config = await start(app, [...needed, '--print-config']);
  expect(config, config.code === 0 && /kubeApiQps|kube-api-qps/.test(config.stdout), '--print-config prints the configuration');
  expect(config, !config.stdout.includes('0123456789abcdef'), '--print-config shows no secret');

  const typo = await start(app, ['--no-such-flag']);
  expect(typo, typo.code === 2 && typo.stderr.includes('no-such-flag'), 'an unknown flag is a usage error');

  const missing = join(app, 'no-such-kubeconfig');
  const failed = await start(app, [...needed, `--kubeconfig=${missing}`, '--secure-port=0']);
  const said = failed.stderr + failed.stdout;
  expect(failed, failed.code !== 0 && said.includes(missing), 'a missing kubeconfig ends the process and is named');
  expect(failed, !/^\s+at /m.test(said), 'no stack trace for a user error');
}

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function expect(outcome: Outcome, ok: boolean, what: string): void {
  if (!ok) throw new Error(`not so: ${what}\nexit code ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`);
  console.log(`  ${what}`);
}

/** What the services run for charts. */
async function smokeHelm(app: string): Promise<void> {
  const helm = await run(join(app, 'helm'), ['version', '--short'], { cwd: app, env: { HOME: '/nonexistent' }, timeout: 60_000 });
  expect(helm, helm.code === 0 && /^v3\.\d+\.\d+/.test(helm.stdout), `helm is there: ${helm.stdout.trim()}`);
}

/** Starts the bundle as the image would. Only root can take another identity; anyone else is not root anyway. */
async function start(app: string, args: string[]): Promise<Outcome> {
  const identity = process.getuid?.() === 0 ? { uid: nonRoot, gid: nonRoot } : {};
  const env = { NODE_ENV: 'production', HOME: '/nonexistent', PATH: '/nonexistent' };
  return await run(process.execPath, [join(app, 'main.js'), ...args], { cwd: app, env, ...identity, timeout: 60_000 });
}

async function run(command: string, args: string[], options: SpawnOptions): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  return await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ ...outcome, code }));
  });
}
