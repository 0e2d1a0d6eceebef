// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type KubeObject } from '@clusternet/api-types';
import { parseAllDocuments } from 'yaml';
import { CliError } from '../../errors.ts';

/** The objects in files, folders and standard input, in their order; the members of lists one by one. */
export async function readObjects(
  names: readonly string[],
  { recursive = false }: { recursive?: boolean },
): Promise<KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const name of names) {
    if (name === '-') objects.push(...parseObjects(await text(process.stdin), 'standard input'));
    else
      for (const file of await filesIn(name, recursive, true)) objects.push(...parseObjects(await readFile(file, 'utf8'), file));
  }
  return objects;
}

async function filesIn(name: string, recursive: boolean, isTop: boolean): Promise<string[]> {
  const found = await stat(name).catch((cause: unknown) => {
    throw new CliError(`there is no file or folder "${name}"`, { cause });
  });
  if (!found.isDirectory()) return isTop || /\.(ya?ml|json)$/.test(name) ? [name] : [];
  if (!isTop && !recursive) return [];
  const entries = (await readdir(name)).sort();
  return (await Promise.all(entries.map((entry) => filesIn(join(name, entry), recursive, false)))).flat();
}

/** The objects in a text of YAML or JSON documents. */
export function parseObjects(content: string, source: string): KubeObject[] {
  const documents = parseAllDocuments(content, { prettyErrors: false, merge: true });
  if ('empty' in documents) return [];
  return documents.flatMap((document, index) => {
    const [error] = document.errors;
    if (error) {
      const line = content.slice(0, error.pos[0]).split('\n').length;
      throw new CliError(`${source}, line ${line}: not valid YAML: ${error.message}`);
    }
    return flatten(document.toJS({ maxAliasCount: 100 }), `${source}, document ${index + 1}`);
  });
}

function flatten(value: unknown, source: string): KubeObject[] {
  if (value === null || value === undefined) return [];
  const { apiVersion, kind, metadata, items } = value as Partial<KubeObject>;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item) => flatten(item, source));
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata?.name !== 'string') {
    throw new CliError(`${source}: an object needs apiVersion, kind and metadata.name`);
  }
  return [value as KubeObject];
}
