// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { type JsonObject } from '../patch/json.ts';
import { decodeObject, protobufType } from '../protobuf/decodeObject.ts';
import { readBody } from '../request/body.ts';
import { checkExactIntegers } from './exactNumbers.ts';
import { parseDocument } from './parseDocument.ts';

/** An object that came as a body. */
export interface ReceivedObject {
  /** JSON or YAML. */
  text: string;
  contentType: string;
  /** Undefined when the text is no object. */
  document: JsonObject | undefined;
}

/**
 * Reads an object in any form in which clients send one: JSON, YAML, or protobuf as Go's typed clients do by default.
 *
 * @throws StatusError 413 for too much, 400 and 415 for protobuf that cannot be read, 422 for integers that would lose digits
 */
export async function readObject(request: IncomingMessage): Promise<ReceivedObject> {
  const contentType = request.headers['content-type'] ?? 'application/json';
  const body = await readBody(request);
  if (contentType.split(';')[0]?.trim().toLowerCase() === protobufType) {
    const document = decodeObject(body);
    return { text: JSON.stringify(document), contentType: 'application/json', document };
  }
  const text = body.toString('utf8');
  checkExactIntegers(text);
  return { text, contentType, document: parseDocument(text) };
}
