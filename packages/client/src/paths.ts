// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';

/** Query parameters of a request; undefined ones are left out. */
export type Query = Record<string, string | number | boolean | undefined>;

/** Path of a collection, or of one object and its subresource. Names are escaped, so no name can leave its place. */
export function resourcePath(
  def: ResourceDefinition,
  o: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  const root = def.group === '' ? `/api/${def.version}` : `/apis/${def.group}/${def.version}`;
  const namespace = def.namespaced && o.namespace ? `/namespaces/${segment(o.namespace)}` : '';
  const name = o.name === undefined ? '' : `/${segment(o.name)}`;
  return `${root}${namespace}/${def.resource}${name}${o.subresource ? `/${o.subresource}` : ''}`;
}

/** Appends a query to a path. */
export function withQuery(path: string, query: Query | undefined): string {
  if (!query) return path;
  let text = '';
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    text += `${text === '' ? '?' : '&'}${encodeURIComponent(key)}=${encodeURIComponent(value)}`;
  }
  return path + text;
}

/** The resource a path is about, for metrics: `pods`, `pods/status`, or `none` for paths like `/healthz`. */
export function resourceOfPath(path: string): string {
  const parts =
    path
      .split('?', 1)[0]
      ?.split('/')
      .filter((p) => p !== '') ?? [];
  let rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : [];
  // The namespaced form; /api/v1/namespaces/x alone is the Namespace itself, and so are its subresources.
  if (rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize') rest = rest.slice(2);
  const [resource, , subresource] = rest;
  if (!resource) return 'none';
  return subresource ? `${resource}/${subresource}` : resource;
}

function segment(name: string): string {
  if (name === '' || name === '.' || name === '..') throw new TypeError(`"${name}" is not a name of an object`);
  return encodeURIComponent(name);
}
