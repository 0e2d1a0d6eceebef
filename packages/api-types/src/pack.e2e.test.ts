// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const packageFolder = join(import.meta.dirname, '..');
const rootBin = join(packageFolder, '../../node_modules/.bin');

let project: string;

/** Runs a program in the project of a user, who has none of our settings. */
async function inProject(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(file, args, { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout;
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'api-types-pack-'));
  await run(join(rootBin, 'tsc'), ['-p', 'tsconfig.build.json'], { cwd: packageFolder });
  const pack = ['-y', 'pnpm@12', '--config.pm-on-fail=ignore', 'pack', '--pack-destination', project];
  await run('npx', pack, { cwd: packageFolder });
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz')) ?? 'missing.tgz';
  await writeFile(join(project, 'package.json'), '{"private":true,"type":"module"}');
  // zod comes from where it already is, so that no registry is asked.
  const zod = join(project, 'zod-source');
  await cp(join(packageFolder, 'node_modules/zod'), zod, { recursive: true, dereference: true });
  await inProject('npm', 'install', '--offline', '--no-audit', '--no-fund', '--install-links', join(project, tarball), zod);
});

afterAll(() => rm(project, { recursive: true, force: true }));

describe('the packed package, installed with nothing but zod', () => {
  it('brings nothing else along', async () => {
    const installed = await readdir(join(project, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.')).sort()).toEqual(['@clusternet', 'zod']);
  });

  it('checks objects and gives the CRDs', async () => {
    await writeFile(
      join(project, 'main.js'),
      `import { crds, feedKey, parseKind, resources } from '@clusternet/api-types';
       const feed = { apiVersion: 'v1', kind: 'Namespace', name: 'shop' };
       const spec = { subscribers: [{ clusterAffinity: {} }], feeds: [feed], mine: 1 };
       const object = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'Subscription', metadata: { name: 'app' }, spec };
       const parsed = parseKind(resources.subscriptions, object);
       console.log(crds().length, feedKey(parsed.spec.feeds[0]), parsed.spec.schedulingStrategy, parsed.spec.mine);
       try { parseKind(resources.subscriptions, { ...object, spec: { ...spec, feeds: 1 } }); } catch (error) { console.log(error.message); }`,
    );
    expect((await inProject(process.execPath, 'main.js')).split('\n')).toEqual([
      '13 v1/Namespace/shop Replication 1',
      'Subscription app: spec.feeds: must be a list',
      '',
    ]);
  });

  it('ships CRDs as YAML and JSON Schemas as files', async () => {
    await writeFile(
      join(project, 'files.js'),
      `import { readFileSync } from 'node:fs';
       import schema from '@clusternet/api-types/schemas/apps.clusternet.io/subscription_v1alpha1.json' with { type: 'json' };
       const crd = new URL(import.meta.resolve('@clusternet/api-types/crds/subscriptions.apps.clusternet.io.yaml'));
       console.log(schema.title, readFileSync(crd, 'utf8').includes('kind: CustomResourceDefinition'));`,
    );
    expect(await inProject(process.execPath, 'files.js')).toBe('Subscription true\n');
  });

  it('has types that a strict compiler takes, and that know the fields', async () => {
    await writeFile(
      join(project, 'types.ts'),
      `import { parseKind, resources, type KubeObject, type Subscription } from '@clusternet/api-types';
       const subscription: Subscription = parseKind(resources.subscriptions, {});
       export const strategy: 'Replication' | 'Dividing' | undefined = subscription.spec.schedulingStrategy;
       export const any: KubeObject = subscription;
       // @ts-expect-error no such field
       export const typo = subscription.spec.feds;`,
    );
    const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2024', types: [] };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    expect(await inProject(join(rootBin, 'tsc'), '-p', '.').catch((error: { stdout: string }) => error.stdout)).toBe('');
  });
});
