// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { parse } from 'yaml';
import { ChartSourceError } from './chartSourceError.ts';

/** Bounds of what an archive may unpack to, its charts inside of charts included. */
export interface ArchiveLimits {
  /** Bytes of all files together. */
  total: number;
  /** Bytes of one file; Helm takes no larger ones either. */
  file: number;
  entries: number;
  /** Archives inside of archives. */
  depth: number;
}

/** Helm's own bounds, and some that it has not. */
export const defaultArchiveLimits: ArchiveLimits = { total: 100 * 1024 * 1024, file: 5 * 1024 * 1024, entries: 10_000, depth: 5 };

/** What an archive says about its chart. */
export interface ChartContents {
  name: string;
  version: string;
  /** Texts of the files in `crds/`, those of its dependencies first. */
  crds: string[];
}

/**
 * Looks through the archive of a chart before Helm does: only files and folders below one folder, of bounded size and number, no links, a
 * Chart.yaml of an application, and no schema that reads local files.
 *
 * @throws ChartSourceError `Invalid`
 */
export async function checkArchive(archive: Buffer, limits: ArchiveLimits = defaultArchiveLimits): Promise<ChartContents> {
  const budget = { bytes: limits.total, entries: limits.entries };
  try {
    return await readChart(archive, { limits, budget, depth: 1 });
  } catch (cause) {
    if (cause instanceof ChartSourceError) throw cause;
    throw new ChartSourceError('Invalid', `the archive of the chart cannot be read: ${textOf(cause)}`, { cause });
  }
}

async function readChart(
  archive: Buffer,
  o: { limits: ArchiveLimits; budget: { bytes: number; entries: number }; depth: number },
): Promise<ChartContents> {
  const { limits, budget, depth } = o;
  if (depth > limits.depth) throw invalid(`holds archives inside of archives, deeper than ${limits.depth}`);
  const kept = new Map<string, string>();
  const nested: Buffer[] = [];
  let top: string | undefined;
  let problem: Error | undefined;
  const gunzip = createGunzip();
  const stop = (error: Error): void => {
    problem ??= error;
    gunzip.destroy(problem);
  };
  const take = (entry: ReadEntry): void => {
    const path = entry.path.replace(/^(\.\/)+/, '');
    entry.on('error', (error) => stop(error as Error));
    try {
      top = checkEntry({ path, type: entry.type, size: entry.size, top }, { limits, budget });
    } catch (error) {
      entry.resume();
      stop(error as Error);
      return;
    }
    const inner = path.slice((top?.length ?? 0) + 1);
    const isNested = /^charts\/[^/]+\.tgz$/.test(inner);
    if (!isNested && !/(^|\/)(Chart\.yaml|values\.schema\.json)$|(^|\/)crds\/.+\.ya?ml$/.test(inner)) {
      entry.resume();
      return;
    }
    const chunks: Uint8Array[] = [];
    entry.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    entry.on('end', () => {
      const content = globalThis.Buffer.concat(chunks);
      if (isNested) nested.push(content);
      else kept.set(inner, content.toString('utf8'));
    });
  };
  // Sizes in headers are what counts for the files; this bounds what lies between them.
  let unpacked = 0;
  gunzip.on('data', (chunk: Uint8Array) => {
    unpacked += chunk.length;
    if (unpacked > limits.total * 2) stop(invalid(`unpacks to more than ${limits.total} bytes`));
  });
  const parser = new Parser({ strict: true, onReadEntry: take });
  try {
    await pipeline(Readable.from([archive]), gunzip, async (chunks) => {
      const done = new Promise<void>((resolve, reject) => {
        parser.on('end', () => resolve());
        parser.on('error', reject);
      });
      done.catch(() => undefined);
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) parser.write(globalThis.Buffer.from(chunk));
      parser.end();
      await done;
    });
  } catch (error) {
    throw problem ?? error;
  }
  if (problem) throw problem;
  const dependencies = await inOrder(nested, (one) => readChart(one, { ...o, depth: depth + 1 }));
  return contentsOf(kept, dependencies);
}

function checkEntry(
  entry: { path: string; type: string; size: number; top: string | undefined },
  { limits, budget }: { limits: ArchiveLimits; budget: { bytes: number; entries: number } },
): string {
  const { path, type, size, top } = entry;
  if (!['File', 'OldFile', 'Directory'].includes(type))
    throw invalid(`holds "${path}", which is neither a file nor a folder but ${type}`);
  const parts = path.split('/').filter((part) => part !== '');
  if (path.startsWith('/') || /[\\\0]/.test(path) || /^[A-Za-z]:/.test(path) || parts.includes('..') || parts.length === 0) {
    throw invalid(`holds "${path}", a path that leads out of it`);
  }
  if (top !== undefined && parts[0] !== top) throw invalid('must have one folder with the name of the chart, and has several');
  if (size > limits.file) throw invalid(`holds "${path}" of ${size} bytes; ${limits.file} is the most that one file may have`);
  budget.entries -= 1;
  budget.bytes -= size;
  if (budget.entries < 0) throw invalid(`holds more than ${limits.entries} files`);
  if (budget.bytes < 0) throw invalid(`unpacks to more than ${limits.total} bytes`);
  return parts[0] ?? '';
}

function contentsOf(kept: ReadonlyMap<string, string>, dependencies: ChartContents[]): ChartContents {
  const text = kept.get('Chart.yaml');
  if (text === undefined) throw invalid('has no Chart.yaml');
  const chart = yamlOf(text, 'Chart.yaml') as { name?: unknown; version?: unknown; type?: unknown } | undefined;
  const { type = '' } = chart ?? {};
  if (typeof chart?.name !== 'string' || !['string', 'number'].includes(typeof chart.version))
    throw invalid('has a Chart.yaml without name or version');
  if (type !== '' && type !== 'application') {
    throw invalid(`is of type ${JSON.stringify(type)}: only charts of type application can be installed`);
  }
  for (const [path, content] of kept) {
    if (path.endsWith('values.schema.json') && /"\$ref"\s*:\s*"file:/i.test(content)) {
      throw invalid(`has a ${path} that refers to local files`);
    }
  }
  const crds = [...kept].filter(([path]) => path.startsWith('crds/') || /^charts\/[^/]+\/crds\//.test(path));
  return {
    name: chart.name,
    version: String(chart.version),
    crds: [...dependencies.flatMap((dependency) => dependency.crds), ...crds.sort(byDepth).map(([, content]) => content)],
  };
}

function byDepth([a]: [string, string], [b]: [string, string]): number {
  return b.split('/').length - a.split('/').length || (a < b ? -1 : 1);
}

function yamlOf(text: string, name: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' });
  } catch (cause) {
    throw new ChartSourceError('Invalid', `the archive of the chart has a ${name} that is not YAML: ${textOf(cause)}`, { cause });
  }
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

function invalid(what: string): ChartSourceError {
  return new ChartSourceError('Invalid', `the archive of the chart ${what}`);
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
