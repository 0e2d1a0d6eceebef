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
import { build, type Plugin } from 'esbuild';

const folder = process.cwd();
const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
const outfile = join(folder, 'dist', 'main.js');

// CommonJS dependencies call `require` for Node's own modules, which an ESM file does not have.
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as $createRequire } from 'node:module';",
  'const require = $createRequire(import.meta.url);',
].join('\n');

/**
 * Leaves out the generated API classes of client-node, three megabytes that no service uses: kubeconfig handling is all that is taken from
 * it. A bundler has to keep the whole of a package that is imported on demand, so the import is pointed at its one used export; and
 * client-node does not say that its modules can be dropped when nothing of them is used.
 */
const onlyKubeConfig: Plugin = {
  name: 'only-kube-config',
  setup(bundler) {
    const name = '@kubernetes/client-node';
    const resolved = Symbol('resolved');
    bundler.onResolve({ filter: new RegExp(`^${name}$`) }, ({ kind, resolveDir, pluginData }) =>
      kind === 'dynamic-import' && pluginData !== resolved
        ? { path: name, namespace: 'kube-config', pluginData: resolveDir }
        : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'kube-config' }, ({ pluginData }) => ({
      contents: `export { KubeConfig } from '${name}';`,
      resolveDir: pluginData as string,
    }));
    bundler.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, namespace, pluginData }) => {
      const concerns = namespace === 'kube-config' || importer.includes(`/${name}/`);
      if (!concerns || pluginData === resolved) return undefined;
      const found = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: resolved });
      return found.path.includes(`/${name}/`) ? { path: found.path, sideEffects: false } : undefined;
    });
  },
};

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
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  define: { 'process.env.CLUSTERNET_VERSION': JSON.stringify(manifest.version) },
  banner: { js: banner },
  plugins: [onlyKubeConfig],
  metafile: true,
  logLevel: 'warning',
});
await chmod(outfile, 0o755);

// A single character beyond ASCII makes V8 hold the whole text with two bytes per character.
const foreign = /[^\0-\x7f]/.exec(await readFile(outfile, 'latin1'));
if (foreign) {
  const { index, input } = foreign;
  throw new Error(
    `${relative(folder, outfile)} must be ASCII; write \\u escapes in regular expressions: ${input.slice(index - 40, index + 20)}`,
  );
}

const bytes = result.metafile.outputs[relative(folder, outfile)]?.bytes ?? 0;
console.log(`bundled ${relative(folder, outfile)}, ${Math.round(bytes / 1024)} KiB`);
