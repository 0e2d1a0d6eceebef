// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import {
  applyConfiguration,
  flag,
  isObject,
  type JsonObject,
  jsonPatch,
  type ManagedFieldsEntry,
  mergePatch,
  checkExactIntegers,
  readBody,
  readObject,
  StatusError,
  strategicMerge,
} from '@clusternet/apiserver';
import { toError } from '@clusternet/runtime';
import { type ObjectRequest } from '../shadowContext.ts';
import { trim } from '../templates/trim.ts';
import { changeObject, managerOf, plain } from './changeObject.ts';
import { mark, passedOn, store } from './createObject.ts';
import { notFound } from './errors.ts';
import { answerObject, readStored } from './readObjects.ts';
import { isDryRun } from './writeOptions.ts';

/** Turns an object into what a patch makes of it. */
export type Patch = (current: KubeObject) => Promise<JsonObject> | JsonObject;

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** Answers a PATCH of any type. */
export async function patchObject(o: ObjectRequest): Promise<void> {
  const dryRun = isDryRun(o.query, 'PatchOptions');
  const type = patchType(o);
  if (type === types.apply) return applyObject(o, dryRun);
  if (o.query.get('force') !== null) {
    throw new StatusError(
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      {
        details: {
          group: 'meta.k8s.io',
          kind: 'PatchOptions',
          causes: [
            { reason: 'FieldValueForbidden', message: 'Forbidden: may not be specified for non-apply patch', field: 'force' },
          ],
        },
      },
    );
  }
  const patch = await readPatch(o, type);
  const object = await changeObject(o, {
    dryRun,
    from: async (current) => ({ document: sameIdentity(o, await patch(current)) }),
  }).catch((error: unknown) => Promise.reject(toError(asPatchError(error))));
  answerObject(o, object);
}

/** Reads a patch that is not server-side apply. */
export async function readPatch(o: ObjectRequest, type = patchType(o)): Promise<Patch> {
  const patch = decode((await readBody(o.request)).toString('utf8'));
  if (type === types.json) return (current) => object(jsonPatch(current, patch));
  if (!isObject(patch))
    throw new StatusError(
      400,
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  if (type === types.merge) return (current) => object(mergePatch(current, patch));
  return async (current) => strategicMerge(current, patch, await o.context.schemas.of(o.kind));
}

/** @throws StatusError 415 for a type that the kind does not take */
export function patchType({ request, kind }: ObjectRequest): string {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const taken = Object.values(types).filter((one) => !(kind.custom && one === types.strategic));
  if (taken.includes(type)) return type;
  if (!kind.custom) throw new StatusError(415, '415: Unsupported Media Type', { details: {} });
  throw new StatusError(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${taken.join(', ')}`,
  );
}

async function applyObject(o: ObjectRequest, dryRun: boolean): Promise<void> {
  const { context, request, kind, ref, query } = o;
  if (!query.get('fieldManager')) {
    throw new StatusError(
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      {
        details: {
          group: 'meta.k8s.io',
          kind: 'PatchOptions',
          causes: [
            { reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' },
          ],
        },
      },
    );
  }
  const { text, document } = await readObject(request);
  const known = document && (await readStored(context, kind, ref).catch(ignoreNotFound));
  if (!known) return createByApply(o, { text, document, dryRun });
  const metadata = isObject(document['metadata']) ? document['metadata'] : {};
  if (metadata['managedFields'] !== undefined) throw new StatusError(400, 'metadata.managedFields must be nil');
  if (document['apiVersion'] === undefined || document['kind'] === undefined) throw untyped(document);
  const { resourceVersion, uid } = metadata;
  const applied = sameIdentity(o, { ...document, metadata: { name: ref.name, ...metadata } });
  const schema = await context.schemas.of(kind);
  const object = await changeObject(o, {
    dryRun,
    from: (current) => {
      const entries = (current.metadata.managedFields ?? []) as ManagedFieldsEntry[];
      const force = flag(query.get('force')) ?? false;
      const result = applyConfiguration({
        live: plain(current),
        applied: plain(applied),
        schema,
        entries,
        manager: managerOf(o),
        force,
      });
      const merged = result.object;
      const pinned = {
        ...(merged['metadata'] as JsonObject),
        ...(resourceVersion !== undefined && { resourceVersion }),
        ...(uid !== undefined && { uid }),
      };
      return { document: { ...merged, metadata: pinned }, entries: result.entries };
    },
  });
  answerObject(o, object);
}

/** Server-side apply of what is not there yet is a create, which the parent knows how to do. */
async function createByApply(
  o: ObjectRequest,
  { text, document, dryRun }: { text: string; document?: JsonObject; dryRun: boolean },
): Promise<void> {
  const { context, request, response, kind, ref, query } = o;
  const { resourceVersion } = (document?.['metadata'] ?? {}) as JsonObject;
  if (typeof resourceVersion === 'string' && resourceVersion !== '') throw notFound(kind, ref.name);
  const { object, warnings } = await context.dryRun.run({
    kind,
    namespace: ref.namespace,
    user: request.kube.user,
    text,
    document,
    contentType: types.apply,
    query: passedOn(query, ['fieldManager', 'fieldValidation', 'force']),
    applyTo: ref.name,
    signal: request.kube.signal,
    userAgent: request.headers['user-agent'],
  });
  const template = trim(object, document ?? {});
  mark(template);
  const stored = await store(context, { kind, template, ref, dryRun });
  for (const warning of warnings) response.appendHeader('Warning', warning);
  answerObject(
    o,
    dryRun
      ? {
          ...template,
          metadata: { ...template.metadata, uid: object.metadata.uid, creationTimestamp: object.metadata.creationTimestamp },
        }
      : stored,
    { code: 201 },
  );
}

/** @throws StatusError for a patch that would make another object of it */
function sameIdentity({ ref }: ObjectRequest, document: JsonObject): JsonObject {
  const metadata = isObject(document['metadata']) ? document['metadata'] : {};
  const { name, namespace } = metadata;
  if (name !== ref.name) {
    throw new StatusError(
      400,
      `the name of the object (${typeof name === 'string' ? name : ''}) does not match the name on the URL (${ref.name})`,
    );
  }
  if (namespace !== undefined && namespace !== '' && namespace !== ref.namespace) {
    throw new StatusError(400, 'the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...document, metadata: { ...metadata, ...(ref.namespace !== '' && { namespace: ref.namespace }) } };
}

function ignoreNotFound(error: unknown): undefined {
  if (error instanceof StatusError && error.code === 404) return undefined;
  throw error;
}

function untyped(document: JsonObject): StatusError {
  const missing = document['kind'] === undefined ? 'Kind' : 'apiVersion';
  return new StatusError(400, `Object '${missing}' is missing in the configuration to apply`);
}

function decode(text: string): unknown {
  checkExactIntegers(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new StatusError(400, `error decoding patch: ${cause instanceof Error ? cause.message : 'not JSON'}`, { cause });
  }
}

function object(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new StatusError(422, 'the server rejected our request due to an error in our request', { details: {} });
}

/** What cannot be read as its kind is in a patch not the object's fault, but the patch's. */
function asPatchError(error: unknown): unknown {
  if (!(error instanceof StatusError) || error.code !== 400) return error;
  const problem = /cannot be handled as an? [^:]+: ([\s\S]+)$/.exec(error.message)?.[1];
  if (problem === undefined) return error;
  const message = `Invalid value: "the patched object": ${problem}`;
  return new StatusError(422, ` "" is invalid: patch: ${message}`, {
    details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] },
  });
}
