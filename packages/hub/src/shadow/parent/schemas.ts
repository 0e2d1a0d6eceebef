// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, type JsonObject, mergeSchema, type MergeSchema } from '@clusternet/apiserver';
import { type KubeClient } from '@clusternet/client';
import { type ServedKind } from '../kinds/servedKind.ts';

interface Document {
  components: JsonObject;
  /** What has been asked for: to find a kind means to look at all of them. */
  rules: Map<string, MergeSchema>;
}

const indexTtlMs = 5_000;

/** The merge rules of the parent's kinds, from its OpenAPI documents. */
export class ParentSchemas {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #documents = new Map<string, { url: string; document: Promise<Document> }>();
  #index: { urls: Promise<Map<string, string>>; until: number } | undefined;

  constructor(client: Pick<KubeClient, 'request'>) {
    this.#client = client;
  }

  /** The rules of a kind; of one without a schema those that hold for everything. */
  async of({ group, version, kind }: ServedKind): Promise<MergeSchema> {
    const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const url = (await this.#urls()).get(path);
    if (url === undefined) return mergeSchema({}, {});
    const { components, rules } = await this.#document(path, url);
    const known = rules.get(kind) ?? mergeSchema(schemaOf(components, { group, version, kind }), components);
    rules.set(kind, known);
    return known;
  }

  async #urls(): Promise<Map<string, string>> {
    const now = performance.now();
    if (!this.#index || this.#index.until < now) this.#index = { urls: this.#readIndex(), until: now + indexTtlMs };
    const { urls } = this.#index;
    return urls.catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
  }

  async #readIndex(): Promise<Map<string, string>> {
    const answer = await this.#client.request<{ paths?: Record<string, { serverRelativeURL: string }> }>({
      method: 'GET',
      path: '/openapi/v3',
    });
    return new Map(Object.entries(answer.paths ?? {}).map(([path, { serverRelativeURL }]) => [path, serverRelativeURL]));
  }

  /** The address changes with the document. */
  #document(path: string, url: string): Promise<Document> {
    const known = this.#documents.get(path);
    if (known?.url === url) return known.document;
    const document = this.#read(url);
    this.#documents.set(path, { url, document });
    document.catch(() => this.#documents.delete(path));
    return document;
  }

  async #read(url: string): Promise<Document> {
    const [path = '', query = ''] = url.split('?');
    const answer = await this.#client.request<{ components?: { schemas?: JsonObject } }>({
      method: 'GET',
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
    });
    return { components: mergingParts(answer.components?.schemas ?? {}), rules: new Map() };
  }
}

/** Descriptions are most of a document. */
function mergingParts(schemas: JsonObject): JsonObject {
  const kept = JSON.stringify(schemas, (key, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value,
  );
  return JSON.parse(kept) as JsonObject;
}

function schemaOf(components: JsonObject, of: { group: string; version: string; kind: string }): unknown {
  return Object.values(components).find((schema) => {
    const kinds = isObject(schema) ? schema['x-kubernetes-group-version-kind'] : undefined;
    if (!Array.isArray(kinds)) return false;
    return (kinds as (typeof of)[]).some(
      ({ group, version, kind }) => group === of.group && version === of.version && kind === of.kind,
    );
  });
}
