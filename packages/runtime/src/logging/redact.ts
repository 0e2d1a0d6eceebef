// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util';

/** What stands in place of a secret. */
export const redacted = '[redacted]';

const secretWords = /token|password|passwd|passphrase|secret|authorization|cookie|credential|bearer/i;
const keyMaterial =
  /^(?:.*[-_.])?(?:tls|client|private|api|access|signing|encryption|ssh)[-_.]?key(?:[-_.]?(?:pem|data))?$|key[-_.]?(?:pem|data)$/i;
// Words that turn a secret into something about it: its name, place, age or number.
const aboutSecrets =
  /(?:name|names|namespace|namespaces|file|path|dir|id|ref|refs|uid|type|count|length|size|hash|age|expiry|expires|expiration|timestamp|seconds|ms|duration|url|mode|policy|kind|version)$/i;

const shapes: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  // JWT (three parts) and JWE (five): the header of both begins with {" in base64url.
  [/eyJ[\w-]{6,}(?:\.[\w-]*){2,4}/g, redacted],
  [/(?<![A-Za-z0-9])[a-z0-9]{6}\.[a-z0-9]{16}(?![A-Za-z0-9])/g, redacted],
  // A kubeconfig in a text, YAML or JSON.
  [/(\b(?:client-key-data|token|password)"?:\s*"?)[\w+/=.-]{20,}/g, `$1${redacted}`],
  [/\b(bearer|basic)\s+[\w~+/.=-]{16,}/gi, `$1 ${redacted}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${redacted}@`],
  [/([?&](?:access_token|token|password|secret|signature|sig|key)=)[^&\s#]+/gi, `$1${redacted}`],
];

/** Whether a field of this name holds a secret, as opposed to naming one (`secretName`, `tokenFile`). */
export function isSecretKey(key: string): boolean {
  if (keyMaterial.test(key)) return true;
  return secretWords.test(key) && !aboutSecrets.test(key);
}

/** The text without anything shaped like a credential: private keys, JWTs, bootstrap tokens, authorization values. */
export function redactText(text: string): string {
  // Most log values are short names; nothing shorter than a bootstrap token can be a credential we know by shape.
  if (text.length < 12) return text;
  let result = text;
  for (const [pattern, replacement] of shapes) result = result.replace(pattern, replacement);
  return result;
}

const deepest = 8;
const longestArray = 100;

/**
 * A plain copy of a value that is safe to print: secrets removed by field name and by shape, also inside nested objects, Errors and
 * their causes; cycles, huge arrays and binary data cut short. Kubernetes Secrets lose `data` and `stringData`.
 */
export function redact(value: unknown): unknown {
  return copy(value, new Set(), 0);
}

function copy(value: unknown, parents: Set<object>, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (parents.has(value)) return '[circular]';
  if (depth >= deepest) return '[deeper levels left out]';
  parents.add(value);
  try {
    return copyObject(value, parents, depth + 1);
  } finally {
    parents.delete(value);
  }
}

function copyObject(value: object, parents: Set<object>, depth: number): unknown {
  if (value instanceof Error || types.isNativeError(value)) return copyError(value, parents, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return redactText(String(value));
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map)
    return copyEntries(
      [...value].map(([key, item]) => [String(key), item]),
      parents,
      depth,
    );
  if (value instanceof Set) return copy([...value], parents, depth);
  if (Array.isArray(value)) {
    const items = value.slice(0, longestArray).map((item: unknown) => copy(item, parents, depth));
    return value.length > longestArray ? [...items, `[${value.length - longestArray} more]`] : items;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return copy((value.toJSON as () => unknown)(), parents, depth);
  const secretObject = 'kind' in value && value.kind === 'Secret';
  return copyEntries(Object.entries(value), parents, depth, secretObject ? ['data', 'stringData'] : []);
}

function copyEntries(
  entries: [string, unknown][],
  parents: Set<object>,
  depth: number,
  hidden: string[] = [],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    const hide = (isSecretKey(key) || hidden.includes(key)) && item !== undefined && item !== null && typeof item !== 'boolean';
    result[key] = hide ? redacted : copy(item, parents, depth);
  }
  return result;
}

function copyError(error: Error, parents: Set<object>, depth: number): Record<string, unknown> {
  const own = Object.entries(error).filter(([key]) => !['name', 'message', 'stack', 'cause', 'errors'].includes(key));
  const result: Record<string, unknown> = {
    name: error.name,
    message: redactText(error.message),
    ...copyEntries(own, parents, depth),
  };
  if (error.stack !== undefined) result['stack'] = redactText(error.stack);
  if (error.cause !== undefined) result['cause'] = copy(error.cause, parents, depth);
  if (error instanceof AggregateError) result['errors'] = copy(error.errors, parents, depth);
  return result;
}
