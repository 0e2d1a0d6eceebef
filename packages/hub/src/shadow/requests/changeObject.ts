// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type Manifest } from '@clusternet/api-types';
import {
  entriesBefore,
  type FieldManager,
  isObject,
  jsonEqual,
  type JsonObject,
  type ManagedFieldsEntry,
  managerName,
  omit,
  ownByUpdate,
  sameOwnership,
} from '@clusternet/apiserver';
import { isConflict } from '@clusternet/client';
import { apiVersionOfKind } from '../kinds/servedKind.ts';
import { type ObjectRequest } from '../shadowContext.ts';
import { immutableProblems } from '../templates/immutable.ts';
import { manifestLabels } from '../templates/identity.ts';
import { shadowObject } from '../templates/shadowObject.ts';
import { type Stored } from '../templates/templateStore.ts';
import { trim } from '../templates/trim.ts';
import { mark, passedOn, written } from './createObject.ts';
import { aboutTemplate, conflict, invalid, notFound } from './errors.ts';
import { readManifest, readStored } from './readObjects.ts';

/** What an object is to become. */
export interface Desired {
  document: JsonObject;
  /** Who owns its fields, where the change says so itself. */
  entries?: ManagedFieldsEntry[];
}

/** A change of an object, which is made again when somebody else was faster. */
export interface ObjectChange {
  from: (current: KubeObject) => Desired | Promise<Desired>;
  dryRun: boolean;
  /** Written through this subresource. */
  subresource?: string;
}

const maxAttempts = 5;
/**
 * Who owns which field is said by the template itself. To find it out for the Manifest around it too costs kube-apiserver about as much
 * as the rest of the write; it stops once the list has been emptied in this way, until somebody applies the Manifest.
 */
const untracked = [{}];
/** Kinds whose generation never moves. */
const constantGeneration = ['scheduling.k8s.io/PriorityClass'];
const serverFields = [
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
];

/**
 * Changes a template: the parent judges the outcome as if it were new, and it is stored if nobody has changed it since.
 *
 * @throws StatusError
 */
export async function changeObject(o: ObjectRequest, change: ObjectChange): Promise<KubeObject> {
  const { context, kind, ref } = o;
  for (let attempt = 1; ; attempt++) {
    const stored = attempt === 1 ? await readStored(context, kind, ref) : await readManifest(context, kind, ref);
    if (!stored) throw notFound(kind, ref.name);
    let pinned = false;
    try {
      const desired = await change.from(stored.object);
      pinned = checkPreconditions(o, stored.object, desired.document);
      const template = await judged(o, { stored, desired, change });
      if (isSame(stored.object, template)) {
        if (attempt === 1 && (await isBehind(o, stored))) continue;
        return stored.object;
      }
      if (change.dryRun) return shadowObject({ ...stored.manifest, template });
      return await replace(o, stored.manifest, template);
    } catch (error) {
      const outpaced = isConflict(error) && !pinned && attempt < maxAttempts;
      if (!outpaced && !(attempt === 1 && (await isBehind(o, stored)))) throw aboutTemplate(kind, ref.name, error);
    }
  }
}

/** Whether another replica has changed the object, and this one does not know yet: what was wrong with the change may not be any more. */
async function isBehind({ context, kind, ref }: ObjectRequest, { object }: Stored): Promise<boolean> {
  const live = await readManifest(context, kind, ref);
  return live !== undefined && live.object.metadata.resourceVersion !== object.metadata.resourceVersion;
}

/** The manager in whose name a request writes. */
export function managerOf({ query, request, kind, context }: ObjectRequest, subresource?: string): FieldManager {
  return {
    name: managerName(query.get('fieldManager'), request.headers['user-agent']),
    apiVersion: apiVersionOfKind(kind),
    now: `${context.now().toISOString().slice(0, 19)}Z`,
    ...(subresource !== undefined && { subresource }),
  };
}

/** An object without what only a server sets. */
export function plain(object: KubeObject | JsonObject): JsonObject {
  const metadata = 'metadata' in object ? (object.metadata as object) : {};
  return { ...omit(object, ['status']), metadata: omit(metadata, serverFields) };
}

/** @returns whether the caller wants this very version */
function checkPreconditions({ kind, ref }: ObjectRequest, current: KubeObject, document: JsonObject): boolean {
  const { resourceVersion, uid } = (document['metadata'] ?? {}) as { resourceVersion?: unknown; uid?: unknown };
  if (typeof uid === 'string' && uid !== '' && uid !== current.metadata.uid) {
    const what = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`;
    throw conflict(kind, ref.name, what);
  }
  if (typeof resourceVersion !== 'string' || resourceVersion === '' || resourceVersion === '0') return false;
  if (resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, ref.name);
  return true;
}

/** What the parent makes of an object, as it is to be stored. */
async function judged(
  o: ObjectRequest,
  { stored, desired, change }: { stored: Stored; desired: Desired; change: ObjectChange },
): Promise<KubeObject> {
  const { context, kind, ref, query, request, response } = o;
  const wanted = plain(desired.document);
  const { object, warnings } = await context.dryRun.run({
    kind,
    namespace: ref.namespace,
    user: request.kube.user,
    text: JSON.stringify(wanted),
    document: wanted,
    contentType: 'application/json',
    query: passedOn(query, ['fieldValidation']),
    signal: request.kube.signal,
    userAgent: request.headers['user-agent'],
  });
  for (const warning of warnings) response.appendHeader('Warning', warning);
  const template = trim(object, wanted);
  mark(template);
  const current = stored.object;
  const problems = immutableProblems(current, template);
  if (problems.length > 0) throw invalid(kind, ref.name, problems);
  template.metadata.managedFields = desired.entries ?? (await ownership(o, { current, desired, template, change }));
  if (object.metadata.generation !== undefined) {
    const generation = current.metadata.generation ?? 1;
    const stays = jsonEqual(contentOf(current), contentOf(template)) || constantGeneration.includes(`${kind.group}/${kind.kind}`);
    template.metadata.generation = stays ? generation : generation + 1;
  }
  return template;
}

async function ownership(
  o: ObjectRequest,
  { current, desired, template, change }: { current: KubeObject; desired: Desired; template: KubeObject; change: ObjectChange },
): Promise<ManagedFieldsEntry[]> {
  const metadata = desired.document['metadata'];
  return ownByUpdate({
    before: plain(current),
    after: plain(template),
    schema: await o.context.schemas.of(o.kind),
    entries: entriesBefore(isObject(metadata) && metadata['managedFields'], current.metadata.managedFields ?? []),
    manager: managerOf(o, change.subresource),
  });
}

async function replace({ context, kind }: ObjectRequest, manifest: Manifest, template: KubeObject): Promise<KubeObject> {
  const replaced = await context.manifests.replace(
    {
      ...manifest,
      metadata: { ...manifest.metadata, labels: manifestLabels(kind, template, manifest), managedFields: untracked },
      template,
    },
    written,
  );
  context.store.noteWrite(replaced);
  return shadowObject(replaced);
}

function isSame(current: KubeObject, template: KubeObject): boolean {
  const entries = (object: KubeObject): ManagedFieldsEntry[] => object.metadata.managedFields ?? [];
  return jsonEqual(plain(current), plain(template)) && sameOwnership(entries(current), entries(template));
}

function contentOf(object: KubeObject): JsonObject {
  const content = omit(plain(object), ['metadata']);
  // Labels of an EndpointSlice say which Service it belongs to, and count.
  return object.kind === 'EndpointSlice' ? { ...content, labels: object.metadata.labels } : content;
}
