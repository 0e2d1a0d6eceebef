// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type RestMapper } from '@clusternet/client';

/**
 * Finds the resource behind a kind. Kinds of CustomResourceDefinitions that were just applied are known from these, as
 * the child's discovery lags behind; all others by discovery.
 */
export class KindResolver {
  readonly #mapper: Pick<RestMapper, 'resourceFor'>;
  readonly #defined = new Map<string, ResourceDefinition[]>();

  constructor(mapper: Pick<RestMapper, 'resourceFor'>) {
    this.#mapper = mapper;
  }

  /** @throws NoKindError when neither knows the kind. */
  async resourceFor(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Promise<ResourceDefinition> {
    return this.#find(object) ?? (await this.#mapper.resourceFor(object.apiVersion, object.kind));
  }

  /** Whether one of the {@link learn learnt} definitions defines this kind. */
  isDefined(object: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
    return this.#find(object) !== undefined;
  }

  /** Takes note of the kinds of a CustomResourceDefinition. */
  learn(crd: KubeObject): void {
    this.#defined.set(crd.metadata.name, definitionsOf(crd));
  }

  /** Drops what was learnt from the CustomResourceDefinition of this name. */
  forget(crdName: string): void {
    this.#defined.delete(crdName);
  }

  #find({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceDefinition | undefined {
    for (const definitions of this.#defined.values()) {
      const found = definitions.find((d) => d.kind === kind && apiVersionOf(d) === apiVersion);
      if (found) return found;
    }
    return undefined;
  }
}

interface CrdSpec {
  group?: string;
  scope?: string;
  names?: { kind?: string; plural?: string };
  versions?: { name?: string; served?: boolean }[];
}

function definitionsOf(crd: KubeObject): ResourceDefinition[] {
  const { group, scope, names, versions } = (crd['spec'] ?? {}) as CrdSpec;
  const kind = names?.kind;
  const resource = names?.plural;
  if (!group || !kind || !resource) return [];
  return (versions ?? []).flatMap(({ name, served }) =>
    name && served !== false ? [{ group, version: name, resource, kind, namespaced: scope !== 'Cluster' }] : [],
  );
}
