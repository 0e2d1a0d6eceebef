// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { isObject, type JsonObject, readObject, type ReceivedObject, StatusError } from '@clusternet/apiserver';
import { type ObjectRequest } from '../shadowContext.ts';
import { changeObject } from './changeObject.ts';
import { passedOn } from './createObject.ts';
import { invalid } from './errors.ts';
import { answerObject } from './readObjects.ts';
import { isDryRun } from './writeOptions.ts';

/** Answers a PUT. */
export async function updateObject(o: ObjectRequest): Promise<void> {
  const { request, query } = o;
  const dryRun = isDryRun(query, 'UpdateOptions');
  const received = await readObject(request);
  const document = received.document ?? (await unreadable(o, received));
  const named = withIdentity(o, document);
  const from = (): { document: JsonObject } => {
    checkVersionGiven(o, named);
    return { document: named };
  };
  const object = await changeObject(o, { dryRun, from });
  answerObject(o, object);
}

/** The parent knows best what is wrong with a text that is no object. */
async function unreadable(
  { context, kind, ref, request, query }: ObjectRequest,
  { text, contentType }: ReceivedObject,
): Promise<never> {
  await context.dryRun.run({
    kind,
    namespace: ref.namespace,
    user: request.kube.user,
    text,
    contentType,
    query: passedOn(query, ['fieldValidation']),
    signal: request.kube.signal,
    userAgent: request.headers['user-agent'],
  });
  throw new StatusError(400, 'the body of the request is not an object');
}

function withIdentity({ ref }: ObjectRequest, document: JsonObject): JsonObject {
  const metadata = (isObject(document['metadata']) ? document['metadata'] : {}) as Partial<KubeObject['metadata']>;
  const { name = '', namespace = '' } = metadata;
  if (name !== '' && name !== ref.name) {
    throw new StatusError(400, `the name of the object (${name}) does not match the name on the URL (${ref.name})`);
  }
  if (namespace !== '' && namespace !== ref.namespace) {
    throw new StatusError(400, 'the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...document, metadata: { ...metadata, name: ref.name, ...(ref.namespace !== '' && { namespace: ref.namespace }) } };
}

/** Objects of CRDs are never overwritten blindly. */
function checkVersionGiven({ kind, ref }: ObjectRequest, { metadata }: JsonObject): void {
  const version = isObject(metadata) ? (metadata['resourceVersion'] ?? '') : '';
  if (!kind.custom || (version !== '' && version !== '0')) return;
  const message = 'Invalid value: 0: must be specified for an update';
  throw invalid(kind, ref.name, [{ field: 'metadata.resourceVersion', message, reason: 'FieldValueInvalid' }]);
}
