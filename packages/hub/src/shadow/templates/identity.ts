// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { dnsSubdomain, isLabelValue, type KubeObject, labels, type Manifest } from '@clusternet/api-types';
import { type ServedKind } from '../kinds/servedKind.ts';

/** Which object a template is. */
export interface TemplateRef {
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

const maxNameLength = 253;
const configLabels: readonly string[] = [
  labels.configGroup,
  labels.configVersion,
  labels.configKind,
  labels.configName,
  labels.configNamespace,
];

/**
 * Names under which the Manifest of a template may be kept: the plain one, then one for when that is another object's.
 *
 * @remarks Two groups may share a plural, names may have more characters than a Manifest's, or others.
 */
export function* manifestNames(kind: ServedKind, { namespace, name }: TemplateRef): Generator<string, void, void> {
  const plain = namespace === '' ? `${kind.plural}.${name}` : `${kind.plural}.${namespace}.${name}`;
  // Taken by nobody else, as a rule: the other one is made when it is asked for.
  if (isSubdomain(plain)) yield plain;
  const hash = createHash('sha256')
    .update(JSON.stringify([kind.group, kind.plural, namespace, name]))
    .digest('hex')
    .slice(0, 12);
  yield `${readable(plain)
    .slice(0, maxNameLength - 13)
    .replace(/[-.]+$/, '')}-${hash}`;
}

/** As much of a name as a Manifest's may have. */
function readable(name: string): string {
  const parts = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .split('.');
  return parts
    .map((part) => part.replaceAll(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('.');
}

/** What tells the templates of all kinds apart. */
export function templateKey({ namespace, name }: TemplateRef): string {
  return `${namespace}/${name}`;
}

/**
 * Labels of the Manifest of a template: the template's own, where it comes from, and what others have put there.
 *
 * @param before - the Manifest as it is, whose template's labels go
 */
export function manifestLabels(kind: ServedKind, template: KubeObject, before?: Manifest): Record<string, string> {
  const old = before?.template.metadata?.labels ?? {};
  const others = Object.entries(before?.metadata.labels ?? {}).filter(
    ([key]) => !Object.hasOwn(old, key) && !configLabels.includes(key),
  );
  const { namespace = '', name = '' } = template.metadata;
  return {
    ...Object.fromEntries(others),
    ...template.metadata.labels,
    [labels.configGroup]: kind.group,
    [labels.configVersion]: kind.version,
    [labels.configKind]: kind.kind,
    // Only what fits into a label; the template has the name in any case.
    ...(isLabelValue(name) && { [labels.configName]: name }),
    [labels.configNamespace]: namespace,
  };
}

function isSubdomain(text: string): boolean {
  return text.length <= maxNameLength && dnsSubdomain.test(text);
}
