// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type RestMapper } from '@clusternet/client';

/** Milliseconds within which a definition that was applied comes into effect. */
const freshMs = 10_000;

/**
 * Finds the resource behind a kind. Kinds of CustomResourceDefinitions that were just applied are known from these, as
 * the child's discovery lags behind; all others by discovery.
 */
export class KindResolver {
  readonly #mapper: Pick<RestMapper, 'resourceFor'>;
  readonly #now: () => number;
  readonly #defined = new Map<string, { definitions: ResourceDefinition[]; at: number }>();

  /** `now` gives milliseconds. */
  constructor(mapper: Pick<RestMapper, 'resourceFor'>, now: () => number = Date.now) {
    this.#mapper = mapper;
    this.#now = now;
  }

  /** @throws NoKindError when neither knows the kind. */
  async resourceFor(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Promise<ResourceDefinition> {
    return this.#find(object)?.definition ?? (await this.#mapper.resourceFor(object.apiVersion, object.kind));
  }

  /** Whether the kind was defined so shortly ago that the child may not serve it yet. */
  isFresh(object: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
    const found = this.#find(object);
    return found !== undefined && this.#now() - found.at < freshMs;
  }

  /** Takes note of the kinds of a CustomResourceDefinition. */
  learn(crd: KubeObject): void {
    this.#defined.set(crd.metadata.name, { definitions: definitionsOf(crd), at: this.#now() });
  }

  /** Drops what was learnt from the CustomResourceDefinition of this name. */
  forget(crdName: string): void {
    this.#defined.delete(crdName);
  }

  #find({
    apiVersion,
    kind,
  }: Pick<KubeObject, 'apiVersion' | 'kind'>): { definition: ResourceDefinition; at: number } | undefined {
    for (const { definitions, at } of this.#defined.values()) {
      const definition = definitions.find((d) => d.kind === kind && apiVersionOf(d) === apiVersion);
      if (definition) return { definition, at };
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
