// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from './statusError.ts';
import { decodeSegment, type RequestTarget } from './target.ts';

/** What a request is about, in the words of authorization. */
export interface RequestInfo {
  /** Whether it is about a resource of an API group, as opposed to a path such as `/metrics`. */
  isResource: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the method in lower case. */
  verb: string;
  method: string;
  /** Decoded; for people and non-resource authorization only. */
  path: string;
  group: string;
  version: string;
  namespace: string | undefined;
  /** Plural name; empty for non-resource requests. */
  resource: string;
  subresource: string;
  name: string | undefined;
  /** The only name a `metadata.name` field selector leaves; counts as the name in authorization, as kube-apiserver has it. */
  selectedName: string | undefined;
  /** What follows the subresource, escaped and sliced exactly as it came, with its leading slash; empty if nothing does. */
  rawSuffix: string;
}

const verbs: Record<string, string> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Below `namespaces/NAME` these are of the Namespace itself, not resources inside of it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/**
 * Reads the method and the target of a request the way kube-apiserver does, so that both authorize the same thing.
 *
 * @throws StatusError 400 for an empty or ambiguous segment before the subresource ends
 */
export function requestInfo(method: string, { rawPath, rawQuery }: RequestTarget): RequestInfo {
  const segments = rawPath.slice(1).split('/');
  const [prefix, group, version, first] = segments;
  const isResource = prefix === 'apis' && notEmpty(group) && notEmpty(version) && notEmpty(first);
  return isResource ? resourceInfo(method, segments, rawQuery) : pathInfo(method, rawPath);
}

function pathInfo(method: string, rawPath: string): RequestInfo {
  if (rawPath.includes('//')) throw emptySegment();
  return {
    isResource: false,
    verb: method.toLowerCase(),
    method,
    path: decodeSegment(rawPath),
    group: '',
    version: '',
    namespace: undefined,
    resource: '',
    subresource: '',
    name: undefined,
    selectedName: undefined,
    rawSuffix: '',
  };
}

function resourceInfo(method: string, segments: string[], rawQuery: string): RequestInfo {
  const [, group = '', version = '', ...rest] = segments;
  const [first, second, third] = rest;
  const inNamespace = first === 'namespaces' && notEmpty(second);
  const parts = inNamespace && notEmpty(third) && !namespaceSubresources.has(third) ? rest.slice(2) : rest;
  const [resource = '', name = '', subresource = ''] = parts;
  // A trailing slash is tolerated; an empty segment followed by another could be dropped by one program and kept by the next.
  if ((name === '' && parts.length > 2) || (subresource === '' && parts.length > 3)) throw emptySegment();
  const info = {
    isResource: true,
    method,
    path: decodeSegment(segments.map((segment) => `/${segment}`).join('')),
    group: literal(group),
    version: literal(version),
    namespace: inNamespace ? plain(second) : undefined,
    resource: literal(resource),
    subresource: literal(subresource),
    name: name === '' ? undefined : plain(name),
    rawSuffix: parts
      .slice(3)
      .map((segment) => `/${segment}`)
      .join(''),
  };
  return { ...info, ...collectionVerb(method, info.name, rawQuery) };
}

function collectionVerb(method: string, name: string | undefined, rawQuery: string): Pick<RequestInfo, 'verb' | 'selectedName'> {
  const verb = verbs[method] ?? method.toLowerCase();
  if (name !== undefined) return { verb, selectedName: undefined };
  if (verb === 'delete') return { verb: 'deletecollection', selectedName: undefined };
  if (verb !== 'get') return { verb, selectedName: undefined };
  const query = new URLSearchParams(rawQuery);
  return { verb: isTrue(query.get('watch')) ? 'watch' : 'list', selectedName: nameOf(query.get('fieldSelector')) };
}

/** How Kubernetes reads a boolean parameter: present is true, unless it says otherwise. */
function isTrue(value: string | null): boolean {
  return value !== null && !['false', '0'].includes(value.toLowerCase());
}

function nameOf(fieldSelector: string | null): string | undefined {
  for (const term of fieldSelector?.split(',') ?? []) {
    const name = /^metadata\.name==?([^=!\\/%]+)$/.exec(term.trim())?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}

/** A segment that must mean the same to everybody: no escaped slash, no second level of escapes. */
function plain(segment: string): string {
  const text = decodeSegment(segment);
  if (/[/%]/.test(text)) throw new StatusError(400, 'the path of the request has an escaped slash or percent sign in a name');
  return text;
}

/** A segment of which only one spelling is taken: routers and handlers compare it as it is. */
function literal(segment: string): string {
  if (segment.includes('%')) throw new StatusError(400, 'the path of the request has an escape where none is needed');
  return segment;
}

function notEmpty(segment: string | undefined): segment is string {
  return segment !== undefined && segment !== '';
}

function emptySegment(): StatusError {
  return new StatusError(400, 'the path of the request has an empty segment');
}
