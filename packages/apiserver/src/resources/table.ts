// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';

/** A column of a table. */
export interface TableColumn {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` for the one that names the row. */
  format?: string;
  description?: string;
  /** 0 is always shown, more only in wide output. */
  priority?: number;
}

/** What a cell may hold; undefined is an empty one. */
export type Cell = string | number | boolean | null | undefined;

/** How objects of a kind are printed. */
export interface TablePrinter {
  columns: readonly TableColumn[];
  cells: (object: KubeObject, now: Date) => Cell[];
}

/** Options of {@link toTable}. */
export interface TableOptions {
  printer: TablePrinter;
  version: string;
  include: 'None' | 'Metadata' | 'Object';
  now: Date;
  /** Of the list, or of the one object. */
  metadata: object;
  /** Later events of a watch repeat no columns. */
  withColumns?: boolean;
}

/** `meta.k8s.io` Table of objects. */
export function toTable(objects: readonly KubeObject[], o: TableOptions): object {
  const { printer, version, include, now, metadata, withColumns = true } = o;
  const columnDefinitions = withColumns
    ? printer.columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
        name,
        type,
        format,
        description,
        priority,
      }))
    : null;
  const rows = objects.map((object) => ({
    cells: printer.cells(object, now).map((cell) => cell ?? null),
    object: rowObject(object, include, version),
  }));
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata, columnDefinitions, rows };
}

/** `meta.k8s.io` PartialObjectMetadata of an object. */
export function toPartialMetadata(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** A duration as kubectl prints ages: `5s`, `3m20s`, `4h5m`, `2d3h`, `90d`, `2y10d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 192) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 2920 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

/** How long ago a time stamp was, as kubectl prints it. */
export function age(timestamp: string | undefined, now: Date): string {
  if (timestamp === undefined) return '<unknown>';
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? '<invalid>' : humanDuration(now.getTime() - then);
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

function rowObject(object: KubeObject, include: TableOptions['include'], version: string): object | null {
  if (include === 'None') return null;
  return include === 'Object' ? object : toPartialMetadata(object, version);
}
