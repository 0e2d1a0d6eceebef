// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { isObject, type JsonObject, readObject, StatusError } from '@clusternet/apiserver';
import { type ScalePaths, type ServedKind } from '../kinds/servedKind.ts';
import { scalePrinter } from '../printers/printerOf.ts';
import { type ObjectRequest } from '../shadowContext.ts';
import { changeObject } from './changeObject.ts';
import { patchType, readPatch } from './patchObject.ts';
import { answerObject, readStored } from './readObjects.ts';
import { isDryRun } from './writeOptions.ts';

/** Answers for the scale subresource. */
export async function scaleObject(o: ObjectRequest, paths: ScalePaths): Promise<void> {
  const { request, context, kind, ref, query } = o;
  if (request.kube.info.verb === 'get') {
    const { object } = await readStored(context, kind, ref);
    answerObject(o, scaleOf(object, kind, paths), { printer: scalePrinter });
    return;
  }
  const dryRun = isDryRun(query, request.kube.info.verb === 'patch' ? 'PatchOptions' : 'UpdateOptions');
  const wanted = request.kube.info.verb === 'patch' ? await patched(o, paths) : await replaced(o);
  const object = await changeObject(o, {
    dryRun,
    subresource: 'scale',
    from: async (current) => {
      const scale = await wanted(current);
      const spec = isObject(scale['spec']) ? scale['spec'] : {};
      const { resourceVersion, uid } = (scale['metadata'] ?? {}) as JsonObject;
      const document = withValue(current, paths.replicas, spec['replicas'] ?? 0);
      return { document: { ...document, metadata: { ...(document['metadata'] as JsonObject), resourceVersion, uid } } };
    },
  });
  answerObject(o, scaleOf(object, kind, paths), { printer: scalePrinter });
}

function scaleOf(object: KubeObject, kind: ServedKind, paths: ScalePaths): KubeObject & JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, paths.replicas);
  const selector = paths.selector && selectorText(valueAt(object, paths.selector));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: kind.custom && replicas === undefined ? {} : { replicas: replicas ?? 0 },
    status: { replicas: 0, ...(selector !== undefined && selector !== '' && { selector }) },
  };
}

async function replaced(o: ObjectRequest): Promise<() => JsonObject> {
  const { document } = await readObject(o.request);
  if (document?.['kind'] !== 'Scale' || document['apiVersion'] !== 'autoscaling/v1') {
    throw new StatusError(400, 'the body of the request has to be an autoscaling/v1 Scale');
  }
  return () => document;
}

/** A patch is of the Scale, not of the object behind it. */
async function patched(o: ObjectRequest, paths: ScalePaths): Promise<(current: KubeObject) => Promise<JsonObject>> {
  if (patchType(o) === 'application/apply-patch+yaml') {
    const { document } = await readObject(o.request);
    if (!document) throw new StatusError(400, 'error decoding YAML');
    return () => Promise.resolve(document);
  }
  const patch = await readPatch(o);
  return async (current) => {
    const scale = scaleOf(current, o.kind, paths);
    const result = await patch(scale);
    const before = scale.metadata.resourceVersion;
    const metadata = (result['metadata'] ?? {}) as JsonObject;
    // What the patch does not mention is no condition.
    return { ...result, metadata: metadata['resourceVersion'] === before ? {} : metadata };
  };
}

function valueAt(object: KubeObject, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  return value;
}

function withValue(object: JsonObject, path: readonly string[], value: unknown): JsonObject {
  const [step = '', ...rest] = path;
  if (rest.length === 0) return { ...object, [step]: value };
  const child = object[step];
  return { ...object, [step]: withValue(isObject(child) ? child : {}, rest, value) };
}

function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (!isObject(selector)) return '';
  const labels = isObject(selector['matchLabels']) ? selector['matchLabels'] : selector['matchExpressions'] ? {} : selector;
  return Object.entries(labels)
    .filter(([, value]) => typeof value === 'string')
    .map(([key, value]) => `${key}=${String(value)}`)
    .toSorted()
    .join(',');
}
