// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type KubeObject } from '@clusternet/api-types';
import { ensureBinaries } from '@clusternet/localup';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);

/** The services that have a chart. */
export const components = ['hub', 'agent', 'scheduler', 'override-engine'] as const;
export type Component = (typeof components)[number];

/** Namespace that the charts are rendered for. */
export const namespace = 'clusternet-system';

/** Folder of a chart. */
export function chartFolder(component: Component): string {
  return fileURLToPath(new URL(`../../../charts/clusternet-${component}`, import.meta.url));
}

/** Values without which a chart cannot be installed. */
export function requiredValues(component: Component): object {
  return component === 'agent'
    ? { parentURL: 'https://parent.example.com:6443', registrationToken: 'abcdef.0123456789abcdef' }
    : {};
}

/** Runs the real helm; rejects with what it said. */
export async function helm(args: string[], input = ''): Promise<string> {
  const { helm: binary } = await ensureBinaries({ names: ['helm'] });
  const child = run(binary, args, { maxBuffer: 64 * 1024 * 1024 });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

/** What a chart renders, without its CRDs unless asked for. */
export async function render(component: Component, values: object = {}): Promise<KubeObject[]> {
  const all = {
    ...(component === 'hub' || component === 'agent' ? { crds: { enabled: false } } : {}),
    ...requiredValues(component),
    ...values,
  };
  const text = await helm(
    ['template', `clusternet-${component}`, chartFolder(component), '-n', namespace, '-f', '-'],
    JSON.stringify(all),
  );
  const documents = parseAllDocuments(text);
  return documents.map((document) => document.toJS() as KubeObject | null).filter((object) => object !== null);
}
