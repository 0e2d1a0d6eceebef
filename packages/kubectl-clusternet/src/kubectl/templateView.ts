// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';

/** What a program behind an endpoint is told otherwise than the target says it. */
export interface View {
  /** An answer in the place of the target's. */
  ownAnswer(method: string, path: string): object | undefined;
  /** Told of each answer of the target. */
  note(o: { method: string; path: string; answer: IncomingMessage }): void;
  /** How the body of an answer, which is JSON, is to be changed. */
  changeOf(path: string): ((body: object) => object) | undefined;
}

const shadowNamespace = /\/apis\/shadow\/v1alpha1\/namespaces\/([^/?]+)$/;

/**
 * Lets kubectl take the templates for all there is.
 *
 * - Templates need no Namespace. When an object is not found, kubectl looks for its namespace at once, and tells of that one instead if it is
 *   missing too: here it is told that there is one.
 * - The group of the templates is not shown, as its kinds are those of the other groups once more.
 */
export function templateView(): View {
  let asked: string | undefined;
  return {
    ownAnswer(method, path) {
      const name = shadowNamespace.exec(path)?.[1];
      const isFollowUp = method === 'GET' && name !== undefined && name === asked;
      asked = undefined;
      return isFollowUp ? { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } : undefined;
    },
    note({ method, path, answer }) {
      if (method === 'GET' && answer.statusCode === 404) asked = /\/namespaces\/([^/]+)\/[^/]+\/[^/?]+/.exec(path)?.[1];
    },
    changeOf: (path) => (/\/apis(?:\?|$)/.test(path) ? withoutShadow : undefined),
  };
}

/** Discovery in its newer form, which has items, and in its older one, which has groups. */
function withoutShadow(body: { items?: { metadata?: { name?: string } }[]; groups?: { name?: string }[] }): object {
  const items = body.items?.filter(({ metadata }) => metadata?.name !== 'shadow');
  const groups = body.groups?.filter(({ name }) => name !== 'shadow');
  return { ...body, ...(items && { items }), ...(groups && { groups }) };
}
