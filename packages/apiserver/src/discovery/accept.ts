// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';

/** A media type of an Accept header with its parameters, both in lower case but for parameter values. */
export interface AcceptedType {
  type: string;
  parameters: Record<string, string>;
}

/** The types of an Accept header, the most wanted first; anything for a request without one. */
export function parseAccept(header: string | undefined): AcceptedType[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: {} }];
  return header
    .split(',')
    .map((item) => {
      const [type = '', ...rest] = item.split(';').map((part) => part.trim());
      const pairs = rest.map((part) => part.split('=').map((text) => text.trim()));
      const parameters = Object.fromEntries(
        pairs.map(([name = '', value = '']): [string, string] => [name.toLowerCase(), value]),
      );
      return { type: type.toLowerCase(), parameters };
    })
    .filter(({ parameters }) => Number(parameters['q'] ?? 1) > 0)
    .toSorted((a, b) => Number(b.parameters['q'] ?? 1) - Number(a.parameters['q'] ?? 1));
}

/** Whether a type takes JSON. */
export function takesJson({ type }: AcceptedType): boolean {
  return type === 'application/json' || type === 'application/*' || type === '*/*';
}

/** @throws StatusError 406 when the caller takes no JSON */
export function requireJson(header: string | undefined): void {
  if (parseAccept(header).some(takesJson)) return;
  throw new StatusError(406, 'only the following media types are accepted: application/json');
}

/** The version of aggregated discovery that the caller wants most; undefined for the classic document. */
export function aggregatedVersion(header: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const accepted of parseAccept(header)) {
    if (!takesJson(accepted)) continue;
    const { g, v, as } = accepted.parameters;
    if (as === undefined) return undefined;
    const fits = g === 'apidiscovery.k8s.io' && as === 'APIGroupDiscoveryList';
    if (fits && (v === 'v2' || v === 'v2beta1')) return v;
  }
  return undefined;
}
