// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';

/** What the query of a list or watch asks for. */
export interface ListQuery {
  watch: boolean;
  labelSelector: string | undefined;
  fieldSelector: string | undefined;
  limit: number;
  continue: string | undefined;
  resourceVersion: string;
  resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
  timeoutSeconds: number | undefined;
}

/**
 * Reads and checks the options of a list or watch.
 *
 * @throws StatusError 400 for what cannot be read, 422 for what does not go together, in the words of kube-apiserver
 */
export function parseListQuery(rawQuery: string): ListQuery {
  const query = new URLSearchParams(rawQuery);
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  const options: ListQuery = {
    watch: flag(query.get('watch')) ?? false,
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    limit: integer(query, 'limit') ?? 0,
    continue: text('continue') || undefined,
    resourceVersion: text('resourceVersion') ?? '',
    resourceVersionMatch: (text('resourceVersionMatch') ?? '') as ListQuery['resourceVersionMatch'],
    allowWatchBookmarks: flag(query.get('allowWatchBookmarks')) ?? false,
    sendInitialEvents: flag(query.get('sendInitialEvents')),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  check(options);
  return options;
}

/** How Kubernetes reads a boolean parameter: present is true, unless it says otherwise. */
export function flag(value: string | null): boolean | undefined {
  if (value === null) return undefined;
  return !['false', '0'].includes(value.toLowerCase());
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d+$/.test(value)) throw new StatusError(400, `strconv.ParseInt: parsing "${value}": invalid syntax`);
  return Number(value);
}

function check(o: ListQuery): void {
  const { watch, resourceVersion: version, resourceVersionMatch: match, sendInitialEvents } = o;
  if (version !== '' && !/^\d+$/.test(version)) {
    throw new StatusError(400, `Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`);
  }
  if (o.limit < 0) throw invalid('limit', `Invalid value: ${o.limit}: must be greater than or equal to 0`);
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw invalid('resourceVersionMatch', `Unsupported value: "${String(match)}": supported values: "Exact", "NotOlderThan"`);
  }
  if (watch) return checkWatch(match, sendInitialEvents);
  if (sendInitialEvents !== undefined) throw invalid('sendInitialEvents', 'Forbidden: sendInitialEvents is forbidden for list');
  if (match === '') return;
  if (version === '') {
    throw invalid('resourceVersionMatch', 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (o.continue !== undefined)
    throw invalid('resourceVersionMatch', 'Forbidden: resourceVersionMatch is forbidden when continue is provided');
  if (match === 'Exact' && version === '0') {
    throw invalid('resourceVersionMatch', 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

function checkWatch(match: string, sendInitialEvents: boolean | undefined): void {
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    throw invalid(
      'resourceVersionMatch',
      match === ''
        ? 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
        : `Unsupported value: "${match}": supported values: "NotOlderThan"`,
    );
  }
  if (sendInitialEvents === undefined && match !== '') {
    throw invalid(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  }
}

function invalid(field: string, message: string): StatusError {
  const [reason = ''] = message.split(':');
  const reasons: Record<string, string> = {
    Forbidden: 'FieldValueForbidden',
    'Unsupported value': 'FieldValueNotSupported',
    'Invalid value': 'FieldValueInvalid',
  };
  return new StatusError(422, `ListOptions.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    details: {
      group: 'meta.k8s.io',
      kind: 'ListOptions',
      causes: [{ reason: reasons[reason] ?? 'FieldValueInvalid', message, field }],
    },
  });
}
