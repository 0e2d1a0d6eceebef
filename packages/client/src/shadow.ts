// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { groups, versions } from '@clusternet/api-types';

const shadowRoot = `/apis/${groups.shadow}/${versions.shadow}`;
const core = /^\/api\/v1\/(.+)$/;
const grouped = /^\/apis\/([^/]+)\/v[^/]*\/(.+)$/;
/** Groups of Clusternet itself, however many labels stand before the suffix: their objects live in the parent. */
const ownGroup = /\.clusternet\.io$/;

/**
 * Turns the path of a request for an object into that of its shadow, which is stored in the parent and runs nowhere. Discovery, OpenAPI,
 * `/version` and the groups of Clusternet itself stay what they are. Slashes that repeat are collapsed.
 *
 * @param path path on the server, with or without a query, which is kept
 * @param basePath path of the server's own address, kept at the front
 */
export function rewriteForShadow(path: string, basePath = ''): string {
  const at = path.indexOf('?');
  const [whole, query] = at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at)];
  const base = basePath.replace(/\/+$/, '');
  const isBelow = base !== '' && (whole === base || whole.startsWith(`${base}/`));
  const own = (isBelow ? whole.slice(base.length) : whole).replace(/\/{2,}/g, '/');
  return (isBelow ? base : '') + shadowed(own) + query;
}

function shadowed(path: string): string {
  const inCore = core.exec(path)?.[1];
  if (inCore !== undefined) return `${shadowRoot}/${inCore}`;
  const [, group = '', rest = ''] = grouped.exec(path) ?? [];
  return rest === '' || ownGroup.test(group) ? path : `${shadowRoot}/${rest}`;
}
