// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, createdBy, type KubeObject, labels, type Manifest, resources, apiVersionOf } from '@clusternet/api-types';
import { isObject, type JsonObject, readObject, StatusError } from '@clusternet/apiserver';
import { isAlreadyExists, type Query } from '@clusternet/client';
import { apiVersionOfKind, collectionOf, isOfKind, type ServedKind } from '../kinds/servedKind.ts';
import { type ShadowContext, type ShadowRequest } from '../shadowContext.ts';
import { manifestLabels, manifestNames, type TemplateRef } from '../templates/identity.ts';
import { shadowObject } from '../templates/shadowObject.ts';
import { trim } from '../templates/trim.ts';
import { aboutTemplate, alreadyExists } from './errors.ts';
import { answerObject, isTemplateOf } from './readObjects.ts';
import { isDryRun } from './writeOptions.ts';

const maxNames = 8;
/** What we write has been read as JSON by ourselves: the parent need not look for fields that come twice. */
export const written = { fieldValidation: 'Ignore' } as const;

/** Answers a create: the parent says what the object becomes, then it is kept in a Manifest. */
export async function createObject(o: ShadowRequest): Promise<void> {
  const { context, request, response, kind, namespace, query } = o;
  const dryRun = isDryRun(query, 'CreateOptions');
  if (kind.namespaced && namespace === '') {
    throw new StatusError(400, 'an empty namespace may not be set during creation');
  }
  const { text, contentType, document } = await readObject(request);
  for (let attempt = 1; ; attempt++) {
    const { object, warnings } = skipsValidation(document)
      ? { object: await unchecked(o, document), warnings: [] }
      : await context.dryRun.run({
          kind,
          namespace,
          user: request.kube.user,
          text,
          document,
          contentType,
          query: passedOn(query, ['fieldManager', 'fieldValidation']),
          signal: request.kube.signal,
          userAgent: request.headers['user-agent'],
        });
    const wanted = document ?? {};
    const template = skipsValidation(document) ? object : trim(object, wanted);
    mark(template);
    const { name = '' } = template.metadata;
    const generated = isObject(wanted['metadata']) && !wanted['metadata']['name'];
    try {
      const stored = await store(context, { kind, template, ref: { namespace, name }, dryRun });
      for (const warning of warnings) response.appendHeader('Warning', warning);
      return answerObject(o, dryRun ? preview(object, template) : stored, { code: 201 });
    } catch (error) {
      // A generated name that is taken is not the caller's fault.
      const again = generated && error instanceof StatusError && error.reason === 'AlreadyExists' && attempt < maxNames;
      if (!again) throw error;
    }
  }
}

/** Keeps a new template. */
export async function store(
  context: ShadowContext,
  o: { kind: ServedKind; template: KubeObject; ref: TemplateRef; dryRun: boolean },
): Promise<KubeObject> {
  const { kind, template, ref, dryRun } = o;
  // Not waited for until all is known: whether a name is free, the parent says in the end.
  if (context.store.get(collectionOf(kind), ref)) throw alreadyExists(kind, ref.name);
  for (const name of manifestNames(kind, ref)) {
    const manifest: Manifest = {
      apiVersion: apiVersionOf(resources.manifests),
      kind: 'Manifest',
      metadata: { name, namespace: context.reservedNamespace, labels: manifestLabels(kind, template) },
      template,
    };
    try {
      const created = await context.manifests.create(manifest, { dryRun, ...written });
      if (!dryRun) context.store.noteWrite(created);
      return shadowObject(created);
    } catch (error) {
      if (!isAlreadyExists(error)) throw aboutTemplate(kind, ref.name, error);
      const other = await context.manifests.find({ namespace: context.reservedNamespace, name });
      if (!other || isTemplateOf(other, kind, ref)) throw alreadyExists(kind, ref.name);
    }
  }
  throw alreadyExists(kind, ref.name);
}

/** What would be stored, with the identity that it has nowhere. */
function preview(object: KubeObject, template: KubeObject): KubeObject {
  const { uid, creationTimestamp } = object.metadata;
  return { ...template, metadata: { ...template.metadata, uid, creationTimestamp } };
}

/** Says by whom the object came; children keep the label. */
export function mark(template: KubeObject): void {
  template.metadata.labels = { ...template.metadata.labels, [labels.createdBy]: createdBy.hub };
}

/** The options of a request that the parent is to know. */
export function passedOn(query: URLSearchParams, names: readonly string[]): Query {
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? undefined]));
}

function skipsValidation(document: JsonObject | undefined): document is JsonObject {
  const metadata = document?.['metadata'];
  const given = isObject(metadata) ? metadata['annotations'] : undefined;
  return isObject(given) && given[annotations.skipValidating] === 'true';
}

/** An object that its author vouches for; he needs the right to create it all the same. */
async function unchecked({ context, request, kind, namespace }: ShadowRequest, document: JsonObject): Promise<KubeObject> {
  const { group, plural: resource } = kind;
  await context.access.require(request.kube.user, { verb: 'create', group, resource, namespace });
  const object = document as unknown as KubeObject;
  if (!isOfKind(object, kind)) {
    throw new StatusError(
      400,
      `the API version or kind in the data does not match the expected ${apiVersionOfKind(kind)} ${kind.kind}`,
    );
  }
  const { name, namespace: asked } = object.metadata;
  if (!name) throw new StatusError(422, 'metadata.name: Required value: name is required');
  if (asked !== undefined && asked !== namespace) {
    throw new StatusError(400, 'the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, metadata: { ...object.metadata, ...(namespace !== '' && { namespace }) } };
}
