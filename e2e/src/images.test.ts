// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { components } from './testing/charts.ts';

function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
}

/** The steps a Dockerfile runs, by its RUN lines; anything else that is run shows as it is. */
function stepsOf(dockerfile: string): string[] {
  const runs = [...dockerfile.matchAll(/^RUN (?:--mount=\S+ )?(.*)$/gm)].map(([, command = '']) => command);
  return runs.map((command) => command.replace(/^scripts\/image-steps\.sh (\w+).*$/, '$1'));
}

/** The steps that scripts/image.ts runs in plain folders. */
async function scriptSteps(): Promise<string[]> {
  return [...(await read('scripts/image.ts')).matchAll(/await step\(\w+, '(\w+)'/g)].map(([, step = '']) => step);
}

/** Those that deploy charts. */
const withHelm: readonly string[] = ['hub', 'agent'];

describe.each(components)('the Dockerfile of %s', (service) => {
  it('runs the steps that scripts/image.ts tries out, in the same order', async () => {
    const dockerfile = await read(`packages/${service}/Dockerfile`);
    const steps = stepsOf(dockerfile);
    const own = withHelm.includes(service) ? ['helm'] : [];
    expect(steps).toEqual(['prune', 'install', 'build', 'collect', ...own]);
    expect((await scriptSteps()).filter((step) => step !== 'helm' || own.length > 0)).toEqual(steps);
    for (const [, name] of dockerfile.matchAll(/image-steps\.sh (?:prune|build|collect) (\S+)/g)) expect(name).toBe(service);
  });

  it('copies what the script copies, and only the result into the image', async () => {
    const dockerfile = await read(`packages/${service}/Dockerfile`);
    const copies = [...dockerfile.matchAll(/^COPY (.*)$/gm)].map(([, what]) => what);
    const helm = withHelm.includes(service);
    expect(copies).toEqual([
      '. .',
      '--from=prune /out/json/ ./',
      '--from=prune /out/full/ ./',
      ...(helm ? ['packages/localup/go/ packages/localup/go/', 'scripts/image-steps.sh scripts/'] : []),
      '--from=build /app/ /app/',
      ...(helm ? ['--from=helm /out/helm /app/helm'] : []),
    ]);
  });

  it('ends in an image that runs the bundle as nobody', async () => {
    const dockerfile = await read(`packages/${service}/Dockerfile`);
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(last).toContain('USER 65532:65532');
    expect(last).toContain('ENTRYPOINT ["/nodejs/bin/node", "/app/main.js"]');
    expect(last).toContain(`org.opencontainers.image.title="clusternet-${service}"`);
    expect(last).toContain('org.opencontainers.image.licenses="Apache-2.0"');
    expect(dockerfile).toMatch(/^ARG RUN_IMAGE=gcr\.io\/distroless\/nodejs24-\S+:nonroot$/m);
  });
});
