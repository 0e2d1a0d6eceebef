// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { age, type Cell, isObject, type JsonObject, type TableColumn } from '@clusternet/apiserver';

/** A column with what stands in it. */
export interface PrintedColumn extends TableColumn {
  cell: (object: KubeObject, now: Date) => Cell;
}

type Reader = (object: KubeObject, now: Date) => Cell;

export const nameColumn: PrintedColumn = { name: 'Name', type: 'string', format: 'name', cell: ({ metadata }) => metadata.name };
export const ageColumn: PrintedColumn = {
  name: 'Age',
  type: 'string',
  cell: ({ metadata }, now) => age(metadata.creationTimestamp, now),
};

/** What kube-apiserver shows of kinds for which it has no columns. */
export const createdColumn: PrintedColumn = {
  name: 'Created At',
  type: 'date',
  cell: ({ metadata }) => metadata.creationTimestamp,
};

export function text(name: string, cell: Reader): PrintedColumn {
  return { name, type: 'string', cell };
}

export function integer(name: string, cell: Reader): PrintedColumn {
  return { name, type: 'integer', cell };
}

export function boolean(name: string, cell: Reader): PrintedColumn {
  return { name, type: 'boolean', cell };
}

/** Shown in wide output only. */
export function wide(column: PrintedColumn): PrintedColumn {
  return { ...column, priority: 1 };
}

/** The value at a path such as `spec.replicas`. */
export function at(object: unknown, path: string): unknown {
  let value = object;
  for (const step of path.split('.')) value = isObject(value) ? value[step] : undefined;
  return value;
}

export function textAt(object: unknown, path: string): string {
  const value = at(object, path);
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function numberAt(object: unknown, path: string): number {
  const value = at(object, path);
  return typeof value === 'number' ? value : 0;
}

export function listAt(object: unknown, path: string): JsonObject[] {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textsAt(object: unknown, path: string): string[] {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function countAt(object: unknown, path: string): number {
  const value = at(object, path);
  return Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
}

/** `a=b,c=d`, or `<none>`. */
export function labelText(value: unknown): string {
  const entries = isObject(value) ? Object.entries(value) : [];
  const list = entries.map(([key, item]) => `${key}=${String(item)}`).toSorted();
  return list.length === 0 ? '<none>' : list.join(',');
}

/** A label selector as it is typed. */
export function selectorText(value: unknown): string {
  if (!isObject(value)) return '<none>';
  const labels = isObject(value['matchLabels'])
    ? Object.entries(value['matchLabels']).map(([k, v]) => [k, `${k}=${String(v)}`])
    : [];
  const expressions = listAt(value, 'matchExpressions').map((expression) => {
    const key = textAt(expression, 'key');
    const values = `(${textsAt(expression, 'values').toSorted().join(',')})`;
    const forms: Record<string, string> = {
      In: `${key} in ${values}`,
      NotIn: `${key} notin ${values}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return [key, forms[textAt(expression, 'operator')] ?? key];
  });
  const parts = [...labels, ...expressions].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)).map(([, part]) => part);
  return parts.length === 0 ? '<none>' : parts.join(',');
}

/** Names and images of the containers of a pod template. */
export function containerColumns(path = 'spec.template.spec.containers'): PrintedColumn[] {
  const texts = (object: KubeObject, field: string): string =>
    listAt(object, path)
      .map((container) => textAt(container, field))
      .join(',');
  return [wide(text('Containers', (object) => texts(object, 'name'))), wide(text('Images', (object) => texts(object, 'image')))];
}

export const selectorColumn = wide(text('Selector', (object) => selectorText(at(object, 'spec.selector'))));
