// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '@clusternet/apiserver';
import { ApiError } from '@clusternet/client';
import { qualifiedPlural, type ServedKind } from '../kinds/servedKind.ts';

/** What errors about an object say it is. */
function detailsOf({ group, plural }: ServedKind, name: string): { name: string; group?: string; kind: string } {
  return { name, ...(group !== '' && { group }), kind: plural };
}

export function notFound(kind: ServedKind, name: string): StatusError {
  return new StatusError(404, `${qualifiedPlural(kind)} "${name}" not found`, { details: detailsOf(kind, name) });
}

export function alreadyExists(kind: ServedKind, name: string): StatusError {
  const details = detailsOf(kind, name);
  return new StatusError(409, `${qualifiedPlural(kind)} "${name}" already exists`, { reason: 'AlreadyExists', details });
}

const modified = 'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(kind: ServedKind, name: string, what = modified): StatusError {
  return new StatusError(409, `Operation cannot be fulfilled on ${qualifiedPlural(kind)} "${name}": ${what}`, {
    details: detailsOf(kind, name),
  });
}

/** One thing that is wrong with an object. */
export interface FieldProblem {
  field: string;
  message: string;
  reason: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

export function invalid(kind: ServedKind, name: string, problems: readonly FieldProblem[]): StatusError {
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const text = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const what = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const details = { ...detailsOf(kind, name), kind: kind.kind, causes: problems.map((problem) => ({ ...problem })) };
  return new StatusError(422, `${what} "${name}" is invalid: ${text}`, { details });
}

/** What the parent says about the Manifest, as something about the template in it. */
export function aboutTemplate(kind: ServedKind, name: string, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { message, status, reason } = error;
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const byKind = message.includes('Manifest.apps.clusternet.io');
  const said = message
    .replaceAll(/manifests\.apps\.clusternet\.io "[^"]*"/g, `${qualifiedPlural(kind)} "${name}"`)
    .replaceAll(/Manifest\.apps\.clusternet\.io "[^"]*"/g, `${qualifiedKind} "${name}"`);
  if (status === 404) return notFound(kind, name);
  if (status === 409) {
    return new StatusError(409, said, { reason, details: { ...detailsOf(kind, name), ...(byKind && { kind: kind.kind }) } });
  }
  if (status === 413 || (status === 500 && /too large|limit is/.test(message))) {
    return new StatusError(413, `${qualifiedPlural(kind)} "${name}" is too large to be kept as a template`, { details: {} });
  }
  return error;
}
