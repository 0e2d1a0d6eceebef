// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { age, type Cell, isObject } from '@clusternet/apiserver';
import { type CustomColumn } from '../kinds/servedKind.ts';
import { ageColumn, nameColumn, type PrintedColumn } from './cells.ts';

/** Columns of a kind that a CRD declares. */
export function customColumns(columns: readonly CustomColumn[] | undefined): PrintedColumn[] {
  if (!columns) return [nameColumn, ageColumn];
  return [
    nameColumn,
    ...columns.map((column) => ({ ...column, cell: (object: KubeObject, now: Date) => cellOf(object, column, now) })),
  ];
}

function cellOf(object: KubeObject, { jsonPath, type }: CustomColumn, now: Date): Cell {
  const values = valuesAt(object, jsonPath);
  const [value] = values;
  if (value === undefined || value === null) return null;
  if (values.length > 1) return values.map(textOf).join(',');
  switch (type) {
    case 'date':
      return typeof value === 'string' ? age(value, now) : '<invalid>';
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    default:
      return textOf(value);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Step = { key: string } | { index: number } | { all: true } | { where: string[]; equals: string };

const stepPattern =
  /\.?([\w-]+)|\.?\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]|\[(\*)\]|\.(\*)|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]/gy;

/** The values that a simple JSON path leads to: keys, indexes, `[*]` and equality filters, as CRDs use them. */
function valuesAt(object: unknown, path: string): unknown[] {
  let values: unknown[] = [object];
  for (const step of stepsOf(path.replaceAll('\\.', '\u0001'))) values = values.flatMap((value) => follow(value, step));
  return values;
}

function stepsOf(path: string): Step[] {
  const steps: Step[] = [];
  for (const found of path.matchAll(stepPattern)) {
    const [, key, quoted, index, all, star, where, equals] = found;
    const name = key ?? quoted;
    if (name !== undefined) steps.push({ key: name.replaceAll('\u0001', '.').replaceAll(/\\(.)/g, '$1') });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (all !== undefined || star !== undefined) steps.push({ all: true });
    else if (where !== undefined) steps.push({ where: where.split('.'), equals: equals ?? '' });
  }
  return steps;
}

function follow(value: unknown, step: Step): unknown[] {
  if ('key' in step) return isObject(value) && Object.hasOwn(value, step.key) ? [value[step.key]] : [];
  const items: unknown[] = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  if ('index' in step) return step.index < items.length ? [items[step.index]] : [];
  if ('all' in step) return items;
  return items.filter((item) => {
    let found: unknown = item;
    for (const key of step.where) found = isObject(found) ? found[key] : undefined;
    return String(found) === step.equals;
  });
}
