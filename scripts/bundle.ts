// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Bundles the service in the current folder, `src/main.ts` with everything it imports, into the one file `dist/main.js`.
 *
 * Run by a service's `build` script after `tsc`, whose own `dist/main.js` it replaces. One minified file starts several times faster
 * than the module tree (client-node alone is hundreds of files), and an image then needs no node_modules.
 *
 * Our own packages are taken from their sources, so the result never depends on what another package's `dist` happens to hold.
 * `process.env.CLUSTERNET_VERSION` is replaced by the package's version.
 */
import { chmod, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const folder = process.cwd();
const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
const outfile = join(folder, 'dist', 'main.js');

// CommonJS dependencies call `require` for Node's own modules, which an ESM file does not have.
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as $createRequire } from 'node:module';",
  'const require = $createRequire(import.meta.url);',
].join('\n');

const result = await build({
  absWorkingDir: folder,
  entryPoints: ['src/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.19',
  conditions: ['@clusternet/source'],
  minify: true,
  // Class names reach people in logs and error texts.
  keepNames: true,
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  define: { 'process.env.CLUSTERNET_VERSION': JSON.stringify(manifest.version) },
  banner: { js: banner },
  metafile: true,
  logLevel: 'warning',
});
await chmod(outfile, 0o755);

const bytes = result.metafile.outputs[relative(folder, outfile)]?.bytes ?? 0;
console.log(`bundled ${relative(folder, outfile)}, ${Math.round(bytes / 1024)} KiB`);
