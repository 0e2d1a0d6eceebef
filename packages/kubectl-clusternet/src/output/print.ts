// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { UsageError } from '../errors.ts';

/** How objects are printed. */
export const outputFormats = ['json', 'yaml', 'wide', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number] | undefined;

interface Printable {
  apiVersion?: string;
  kind?: string;
  metadata?: { name: string };
}

/**
 * Reads the value of `-o`.
 *
 * @throws UsageError for a format that is not known
 */
export function outputFormat(text: string): Exclude<OutputFormat, undefined> {
  const found = outputFormats.find((format) => format === text);
  if (found === undefined) throw new UsageError(`unknown output format "${text}": choose one of ${outputFormats.join(', ')}`);
  return found;
}

/** Objects as JSON, YAML or names; undefined for a table, which is the caller's. Several are a List. */
export async function printedObjects(
  objects: readonly object[],
  o: { format: OutputFormat; resource: string; single?: boolean },
): Promise<string | undefined> {
  const whole = o.single ? objects[0] : { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
  switch (o.format) {
    case 'json':
      return `${JSON.stringify(whole, undefined, 4)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(whole, { lineWidth: 0, aliasDuplicateObjects: false });
    }
    case 'name':
      return objects.map((object) => `${o.resource}/${(object as Printable).metadata?.name ?? ''}\n`).join('');
    default:
      return undefined;
  }
}

/** What is no object, as JSON or YAML; undefined for any other format. */
export async function printedData(data: unknown, format: OutputFormat): Promise<string | undefined> {
  if (format === 'json') return `${JSON.stringify(data, undefined, 2)}\n`;
  if (format === 'yaml') return (await import('yaml')).stringify(data, { lineWidth: 0, aliasDuplicateObjects: false });
  return undefined;
}
