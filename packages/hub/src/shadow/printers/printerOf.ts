// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type TablePrinter } from '@clusternet/apiserver';
import { type ServedKind } from '../kinds/servedKind.ts';
import { ageColumn, createdColumn, integer, nameColumn, numberAt, type PrintedColumn } from './cells.ts';
import { customColumns } from './customPrinter.ts';
import { otherPrinters } from './others.ts';
import { workloadPrinters } from './workloads.ts';

const printers = new WeakMap<ServedKind, TablePrinter>();

/** How a kind is printed: as kube-apiserver does, as its CRD says, or by name and time of creation. */
export function printerOf(kind: ServedKind): TablePrinter {
  let printer = printers.get(kind);
  if (!printer) printers.set(kind, (printer = toPrinter(columnsOf(kind))));
  return printer;
}

/** How the scale of any kind is printed. */
export const scalePrinter = toPrinter([
  nameColumn,
  integer('Desired', (object) => numberAt(object, 'spec.replicas')),
  integer('Available', (object) => numberAt(object, 'status.replicas')),
  ageColumn,
]);

function columnsOf(kind: ServedKind): PrintedColumn[] {
  if (kind.custom) return customColumns(kind.columns);
  const key = `${kind.group}/${kind.kind}`;
  return workloadPrinters[key] ?? otherPrinters[key] ?? [nameColumn, createdColumn];
}

function toPrinter(columns: readonly PrintedColumn[]): TablePrinter {
  return { columns, cells: (object, now) => columns.map(({ cell }) => cell(object, now)) };
}
