// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  annotations,
  apiVersionOf,
  type Description,
  type Feed,
  feedKey,
  type KubeObject,
  resources,
} from '@clusternet/api-types';
import { feedOfRaw } from '../render/encodeManifest.ts';

/**
 * What one cluster got, by feed key: the encoded object; of a chart the encoded HelmChart and the encoded values, with a dot between them, which base64
 * does not have.
 */
export type RenderedContent = ReadonlyMap<string, string>;

/** Bytes of base64 that one stored revision may take: etcd takes 1.5 MiB, of which metadata need a little. */
export const maxRevisionBytes = 1_400_000;

/** An earlier revision of a cluster. */
export interface HistoryEntry {
  revision: number;
  /** When another one took its place, RFC 3339. */
  replacedAt: string;
  /** Name of the ControllerRevision with its objects; absent when they were too large to be kept. */
  kept?: string;
}

/** What a Description's stamp says. */
export interface RevisionStamp {
  number: number;
  /** Hash of all that the Subscription was rendered from. */
  inputs: string;
}

/** The objects of all Descriptions of a Base. */
export function contentOf(descriptions: readonly Description[]): RenderedContent {
  const content = new Map<string, string>();
  for (const { spec } of descriptions) {
    for (const [index, { namespace, name }] of (spec.charts ?? []).entries()) {
      const [chart, values] = [spec.chartRaw?.[index], spec.raw?.[index]];
      if (chart !== undefined && values !== undefined) content.set(feedKey(chartFeed(namespace, name)), `${chart}.${values}`);
    }
    for (const raw of spec.deployer === 'Helm' ? [] : (spec.raw ?? [])) {
      const feed = feedOfRaw(raw);
      if (feed) content.set(feedKey(feed), raw);
    }
  }
  return content;
}

/** Whether two clusters got the same, byte for byte. */
export function sameContent(a: RenderedContent, b: RenderedContent): boolean {
  return a.size === b.size && [...a].every(([key, raw]) => b.get(key) === raw);
}

/** `data` of a ControllerRevision; undefined when it does not fit into one. */
export function encodeRevision(content: RenderedContent): { gzip: string } | undefined {
  const objects = [...content.values()].map((raw) => raw.split('.').map(decoded));
  const gzip = gzipSync(JSON.stringify(objects), { level: 9 }).toString('base64');
  return gzip.length > maxRevisionBytes ? undefined : { gzip };
}

/**
 * The objects that a ControllerRevision keeps, just as they were.
 *
 * @throws Error when it holds something else
 */
export function decodeRevision(data: unknown): RenderedContent {
  const gzip = (data as { gzip?: unknown } | undefined)?.gzip;
  if (typeof gzip !== 'string') throw new Error('the ControllerRevision holds no objects');
  const objects = JSON.parse(gunzipSync(Buffer.from(gzip, 'base64')).toString('utf8')) as string[][];
  const content = new Map<string, string>();
  for (const texts of objects) {
    const [raw = '', ...values] = texts.map((text) => Buffer.from(text).toString('base64'));
    const feed = feedOfRaw(raw);
    if (feed) content.set(feedKey(feed), [raw, ...values].join('.'));
  }
  return content;
}

/** The objects behind encoded ones; a HelmChart with its values beside its spec. */
export function objectsOfContent(content: RenderedContent): Map<string, KubeObject> {
  return new Map(
    [...content].map(([key, raw]) => {
      const [object = '', values] = raw.split('.').map(decoded);
      const parsed = JSON.parse(object) as KubeObject;
      return [
        key,
        values === undefined || values.trim() === '' ? parsed : { ...parsed, values: JSON.parse(values) as unknown },
      ] as const;
    }),
  );
}

/** Whether an entry is a chart. */
export function isChartEntry(raw: string): boolean {
  return raw.includes('.');
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** The feed that a HelmChart is. */
export function chartFeed(namespace: string, name: string): Feed {
  return { apiVersion: apiVersionOf(resources.helmCharts), kind: resources.helmCharts.kind, namespace, name };
}

/** What a cluster had before, oldest first, as its first Description says. */
export function historyOf(description: Description | undefined): HistoryEntry[] {
  try {
    const value: unknown = JSON.parse(description?.metadata.annotations?.[annotations.revisionHistory] ?? '[]');
    return Array.isArray(value) ? value.filter(isHistoryEntry) : [];
  } catch {
    return [];
  }
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  const { revision, replacedAt, kept } = (value ?? {}) as Partial<HistoryEntry>;
  return typeof revision === 'number' && typeof replacedAt === 'string' && ['string', 'undefined'].includes(typeof kept);
}

/** The revision that a Description holds; the first one where nothing says otherwise. */
export function stampOf(description: Description | undefined): RevisionStamp | undefined {
  if (!description) return undefined;
  const number = Number(description.metadata.annotations?.[annotations.revision] ?? 1);
  const inputs = description.metadata.annotations?.[annotations.revisionInputs] ?? '';
  return { number: Number.isSafeInteger(number) && number > 0 ? number : 1, inputs };
}
