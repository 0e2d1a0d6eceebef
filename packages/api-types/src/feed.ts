// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { suffix } from './hash.ts';
import type { Feed, KubeObject } from './schemas/common.ts';
import { dnsSubdomain } from './syntax.ts';

const MAX_NAME = 253;

/**
 * Key of a feed in maps such as `Subscription.status.replicas`: `apps/v1/Deployment/ns/name`, without the namespace
 * part when the feed names none.
 */
export function feedKey(feed: Feed): string {
  const namespace = feed.namespace ? `${feed.namespace}/` : '';
  return `${feed.apiVersion}/${feed.kind}/${namespace}${feed.name}`;
}

/** The feed that names `object`. */
export function feedOf(object: KubeObject): Feed {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, ...(namespace ? { namespace } : {}), name };
}

/**
 * Name of the Manifest that stores an object: `<plural>.<namespace>.<name>`, or `<plural>.<name>` for cluster scope.
 * Where that is no valid object name (RBAC names such as `system:node`, or too long) the odd characters become dashes
 * and a hash of the full text keeps the result unique.
 */
export function manifestName(plural: string, object: { name: string; namespace?: string }): string {
  const text = [plural, object.namespace, object.name].filter(Boolean).join('.');
  if (text.length <= MAX_NAME && dnsSubdomain.test(text)) return text;
  const ending = suffix(text, 10);
  const head = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/\.(?=[.-])|(?<=[.-])\./g, '')
    .slice(0, MAX_NAME - ending.length - 1)
    .replace(/[.-]+$/, '');
  return `${head}-${ending}`;
}
