// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Packs the bundle for krew: `dist/krew/kubectl-clusternet-VERSION.tar.gz`, and `dist/krew/clusternet.yaml` that names it.
 *
 *   pnpm krew --base-url https://…/releases/download/v0.1.0 [--homepage URL]
 */
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { create } from 'tar';
import { stringify } from 'yaml';
import { krewManifest } from './krewManifest.ts';

const folder = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { 'base-url': { type: 'string' }, homepage: { type: 'string', default: 'https://clusternet.io' } },
});
const baseUrl = values['base-url'];
if (baseUrl === undefined) {
  console.error('krew: say where the archive will be found: --base-url URL');
  process.exit(2);
}

const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
const out = join(folder, 'dist', 'krew');
const content = join(out, 'content');
await rm(out, { recursive: true, force: true });
await mkdir(content, { recursive: true });
// Outside of an npm package only this ending says that it is a module.
const bin = 'kubectl-clusternet.mjs';
await copyFile(join(folder, 'dist', 'main.js'), join(content, bin));
await chmod(join(content, bin), 0o755);
await copyFile(resolve(folder, '../../LICENSE'), join(content, 'LICENSE'));

const archive = `kubectl-clusternet-${version}.tar.gz`;
// The same bundle gives the same archive: times and owners are left out.
await create({ gzip: { level: 9 }, portable: true, noMtime: true, cwd: content, file: join(out, archive) }, ['LICENSE', bin]);
await rm(content, { recursive: true });
const sha256 = createHash('sha256')
  .update(await readFile(join(out, archive)))
  .digest('hex');
const uri = `${baseUrl.replace(/\/+$/, '')}/${archive}`;
await writeFile(join(out, 'clusternet.yaml'), stringify(krewManifest({ version, uri, sha256, homepage: values.homepage, bin })));
console.log(`wrote ${join(out, archive)} and ${join(out, 'clusternet.yaml')}`);
