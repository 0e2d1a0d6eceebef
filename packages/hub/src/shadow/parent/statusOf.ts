// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, StatusError, type StatusDetails } from '@clusternet/apiserver';
import { type HttpAnswer } from '@clusternet/client';

/** A refusal of the parent, passed on as it is. */
export function statusOf(answer: Pick<HttpAnswer, 'status' | 'body'>): StatusError {
  const body = parsed(answer.body);
  const message = typeof body['message'] === 'string' ? body['message'] : answer.body.trim().slice(0, 500);
  const details = isObject(body['details']) ? (body['details'] as StatusDetails) : undefined;
  return new StatusError(answer.status, message, {
    ...(typeof body['reason'] === 'string' && { reason: body['reason'] }),
    details,
    retryAfterSeconds: details?.retryAfterSeconds,
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : {};
  } catch {
    return {};
  }
}
