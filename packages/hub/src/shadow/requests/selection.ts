// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import {
  exactValue,
  type ListQuery,
  matchesFields,
  parseFieldSelector,
  parseLabelSelector,
  StatusError,
} from '@clusternet/apiserver';
import { type ServedKind } from '../kinds/servedKind.ts';
import { type TemplateRef } from '../templates/identity.ts';
import { checkFields, fieldValue } from './fieldValues.ts';

/** Which objects of a kind a request is about. */
export interface Selection {
  /** Given when it can only be this one. */
  only: TemplateRef | undefined;
  everything: boolean;
  matches: (object: KubeObject) => boolean;
}

/** @throws StatusError 400 for selectors that cannot be read */
export function selectionOf(
  kind: ServedKind,
  namespace: string,
  query: Pick<ListQuery, 'labelSelector' | 'fieldSelector'>,
): Selection {
  const labels = parseLabelSelector(query.labelSelector);
  const fields = readFields(query.fieldSelector);
  checkFields(kind, fields);
  const name = exactValue(fields, 'metadata.name');
  const where = namespace || exactValue(fields, 'metadata.namespace');
  const known = name !== undefined && (!kind.namespaced || (where !== undefined && where !== ''));
  return {
    only: known ? { namespace: kind.namespaced ? (where ?? '') : '', name } : undefined,
    everything: labels === undefined && fields.length === 0,
    matches: ({ metadata }: KubeObject) => namespace === '' || metadata.namespace === namespace,
    ...(labels || fields.length > 0
      ? {
          matches: (object: KubeObject) =>
            (namespace === '' || object.metadata.namespace === namespace) &&
            (labels === undefined || labels(object.metadata.labels)) &&
            matchesFields(fields, (field) => fieldValue(object, field)),
        }
      : {}),
  };
}

function readFields(text: string | undefined): ReturnType<typeof parseFieldSelector> {
  try {
    return parseFieldSelector(text);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new StatusError(400, `Unable to parse "${text ?? ''}" as a field selector: ${error.message}`, { cause: error });
  }
}
