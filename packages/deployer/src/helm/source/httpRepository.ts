// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parse } from 'yaml';
import { type ChartCredentials, type ResolvedChart } from './chartRef.ts';
import { ChartSourceError } from './chartSourceError.ts';
import { chooseVersion } from './chartVersions.ts';
import { basicAuthorization, plain, type SourceClient, statusError } from './sourceClient.ts';

/** Public repositories have indexes of some 20 MB. */
const maxIndexBytes = 64 * 1024 * 1024;
/** More than this of one chart's entries is not parsed. */
const maxEntryBytes = 8 * 1024 * 1024;

interface IndexEntry {
  version?: unknown;
  digest?: unknown;
  urls?: unknown;
}

/** Finds a chart in the index of an HTTP repository. */
export async function resolveInHttpRepository(o: {
  client: SourceClient;
  base: URL;
  chart: string;
  version: string | undefined;
  credentials: ChartCredentials | undefined;
  signal?: AbortSignal;
}): Promise<ResolvedChart> {
  const url = new URL('index.yaml', o.base);
  url.search = o.base.search;
  const authorization = basicAuthorization(o.credentials);
  const { status, body } = await o.client.get({ url, authorization, limit: maxIndexBytes, signal: o.signal });
  if (status === 404) {
    throw new ChartSourceError('NotFound', `${plain(url)} answers 404: repo is not the address of a chart repository`);
  }
  if (status !== 200) throw statusError(url, status, authorization !== undefined);
  const entries = entriesOf(body.toString('utf8'), o.chart, plain(url));
  if (entries === undefined) throw new ChartSourceError('NotFound', `the repository ${plain(o.base)} has no chart "${o.chart}"`);
  const versions = entries.map(({ version }) => String(version));
  const version = chooseVersion(versions, o.version);
  if (version === undefined) throw noSuchVersion(o.chart, o.version, versions);
  const entry = entries[versions.indexOf(version)];
  const [first] = Array.isArray(entry?.urls) ? (entry.urls as unknown[]) : [];
  if (typeof first !== 'string' || !URL.canParse(first, o.base.href)) {
    throw new ChartSourceError(
      'Invalid',
      `the index of ${plain(o.base)} does not say where version ${version} of chart "${o.chart}" is`,
    );
  }
  const archive = new URL(first, o.base);
  if (!['http:', 'https:'].includes(archive.protocol)) {
    throw new ChartSourceError(
      'Invalid',
      `the index of ${plain(o.base)} gives an address for chart "${o.chart}" that is not http or https`,
    );
  }
  const digest = typeof entry?.digest === 'string' && entry.digest !== '' ? entry.digest.replace(/^sha256:/, '') : undefined;
  return { version, url: archive, ...(digest === undefined ? {} : { digest: `sha256:${digest.toLowerCase()}` }) };
}

/** The message names what there is, newest first. */
export function noSuchVersion(chart: string, wanted: string | undefined, versions: readonly string[]): ChartSourceError {
  const shown = versions.slice(0, 5).join(', ');
  const more = versions.length > 5 ? ` and ${versions.length - 5} more` : '';
  const what = wanted ? `version "${wanted}"` : 'stable version';
  return new ChartSourceError('NotFound', `chart "${chart}" has no ${what}; there are ${shown || 'none'}${more}`);
}

/**
 * The entries of one chart, without parsing those of all others: an index as Helm writes it has each name on a line of its own.
 *
 * @throws ChartSourceError `Invalid` when the text is no index
 */
export function entriesOf(text: string, chart: string, where: string): IndexEntry[] | undefined {
  const slice = sliceOf(text, chart);
  try {
    const source = slice ?? text;
    if (source.length > maxEntryBytes) throw new Error(`its entries take ${source.length} bytes`);
    const index = parse(source, { maxAliasCount: 100, logLevel: 'error' }) as { entries?: Record<string, unknown> } | undefined;
    const entries = index?.entries;
    if (typeof entries !== 'object' || entries === null) throw new Error('it has no entries');
    const found = Object.hasOwn(entries, chart) ? entries[chart] : undefined;
    if (found === undefined) return undefined;
    if (!Array.isArray(found)) throw new Error(`its entry "${chart}" is not a list`);
    return found.filter((entry): entry is IndexEntry => typeof entry === 'object' && entry !== null && 'version' in entry);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new ChartSourceError('Invalid', `${where} is not the index of a chart repository: ${reason}`, { cause });
  }
}

/** The part of a block-style index that is about `chart`, as an index of its own; an index without entries when that has no such chart. */
function sliceOf(text: string, chart: string): string | undefined {
  const entries = /^entries:[ \t]*\r?\n/m.exec(text);
  if (!entries) return undefined;
  const from = entries.index + entries[0].length;
  const indent = /^( +)[^\s#-]/m.exec(text.slice(from, from + 4096))?.[1];
  if (indent === undefined) return undefined;
  const name = chart.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const key = new RegExp(`^${indent}(?:${name}|"${name}"|'${name}'):[ \\t]*\\r?\\n`, 'm');
  const rest = text.slice(from);
  const end = /^[^\s#-]/m.exec(rest)?.index ?? rest.length;
  const all = rest.slice(0, end);
  const start = key.exec(all);
  if (!start) return 'entries: {}';
  const after = all.slice(start.index + start[0].length);
  const next = new RegExp(`^${indent}[^\\s#-]`, 'm').exec(after)?.index ?? after.length;
  return `entries:\n${start[0]}${after.slice(0, next)}`;
}
