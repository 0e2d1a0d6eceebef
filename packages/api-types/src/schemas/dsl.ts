// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';

/**
 * A rule over several fields of one object. It is enforced twice with the same text: by the API server (CEL, in the CRD)
 * and by zod (for those who check before they send, or whose API server has no CEL).
 */
export interface Rule<T> {
  /** CEL expression that is true for a good object. */
  rule: string;
  message: string;
  /** The same in TypeScript; leave out what zod cannot know, such as rules over the old object. */
  check?: (value: T) => boolean;
  /** Field below the object that the message belongs to. */
  field?: string;
}

/** More than a description: what goes into the CRD as it stands (`format`, `x-kubernetes-*`). */
export type Extensions = Record<string, unknown>;

/**
 * An object whose unknown fields survive parsing. Its static type names the known fields only, so that a mistyped name
 * is a compile error although the value may hold more.
 */
export function object<S extends z.ZodRawShape>(
  description: string,
  shape: S,
  options: {
    rules?: Rule<z.output<z.ZodObject<S>>>[];
    /** For what one rule cannot say; the API server must be told otherwise. */
    refine?: (value: z.output<z.ZodObject<S>>, context: z.core.$RefinementCtx) => void;
    extensions?: Extensions;
  } = {},
): z.ZodObject<S> {
  let schema = z.looseObject(shape) as unknown as z.ZodObject<S>;
  const { rules = [], refine, extensions = {} } = options;
  for (const { check, message, field } of rules) {
    if (check !== undefined) schema = schema.refine(check, { message, path: field === undefined ? [] : [field] });
  }
  if (refine !== undefined) schema = schema.superRefine(refine);
  const validations = rules.map(({ rule, message, field }) => ({
    rule,
    message,
    ...(field === undefined ? {} : { fieldPath: `.${field}` }),
  }));
  return schema.meta({
    description,
    ...extensions,
    ...(validations.length > 0 ? { 'x-kubernetes-validations': validations } : {}),
  });
}

/** A string with its bounds. Patterns must be anchored and stay within what JavaScript and RE2 share. */
export function string(
  description: string,
  options: { min?: number; max?: number; pattern?: RegExp; patternMessage?: string; extensions?: Extensions } = {},
): z.ZodString {
  let schema = z.string();
  if (options.min !== undefined) schema = schema.min(options.min);
  if (options.max !== undefined) schema = schema.max(options.max);
  if (options.pattern !== undefined) schema = schema.regex(options.pattern, options.patternMessage);
  return schema.meta({ description, ...options.extensions });
}

/** One of a few strings. */
export function oneOf<const V extends readonly [string, ...string[]]>(description: string, values: V) {
  return z.enum(values).meta({ description });
}

export function boolean(description: string): z.ZodBoolean {
  return z.boolean().meta({ description });
}

export function int32(description: string, options: { min?: number; max?: number } = {}): z.ZodNumber {
  return z
    .int()
    .min(options.min ?? -2147483648)
    .max(options.max ?? 2147483647)
    .meta({ description, format: 'int32' });
}

/** A 64-bit integer as far as JSON numbers carry it in JavaScript: ±2^53. */
export function int64(description: string, options: { min?: number } = {}): z.ZodNumber {
  const schema = z.int();
  return (options.min === undefined ? schema : schema.min(options.min)).meta({ description, format: 'int64' });
}

export function float(description: string): z.ZodNumber {
  return z.number().meta({ description, format: 'float' });
}

/** RFC 3339 time, kept as text. */
export function dateTime(description: string): z.ZodString {
  return z
    .string()
    .refine((text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)), 'must be an RFC 3339 time')
    .meta({ description, format: 'date-time' });
}

/** Bytes as base64 text. */
export function bytes(description: string): z.ZodString {
  return z
    .string()
    .refine((text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text), 'must be base64')
    .meta({ description, format: 'byte' });
}

const QUANTITY =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/;

const QUANTITY_RULE = 'must be a quantity such as "500m" or "1Gi"';

/** Amount of a resource: `500m`, `1.5Gi`, `2`. */
export function quantity(description: string) {
  return z
    .union([z.string().regex(QUANTITY, QUANTITY_RULE), z.number()], { error: QUANTITY_RULE })
    .meta({ description, pattern: QUANTITY.source, 'x-kubernetes-int-or-string': true });
}

/** A list; `extensions` says how server-side apply merges it (default: as a whole). */
export function list<T extends z.ZodType>(
  description: string,
  item: T,
  options: { min?: number; max?: number; extensions?: Extensions } = {},
): z.ZodArray<T> {
  let schema = z.array(item);
  if (options.min !== undefined) schema = schema.min(options.min);
  if (options.max !== undefined) schema = schema.max(options.max);
  return schema.meta({ description, ...options.extensions });
}

/** A map with values of one shape. */
export function map<T extends z.ZodType>(
  description: string,
  value: T,
  extensions: Extensions = {},
): z.ZodRecord<z.ZodString, T> {
  return z.record(z.string(), value).meta({ description, ...extensions });
}

/** An object of which nothing is known and everything is kept. */
export function anyObject(description: string): z.ZodType<Record<string, unknown>, Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).meta({ description, 'x-kubernetes-preserve-unknown-fields': true });
}

/** List merged by these keys, each entry owned by its writer. */
export function listMap(...keys: string[]): Extensions {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
}

/** Written and owned as a whole. */
export const atomicList: Extensions = { 'x-kubernetes-list-type': 'atomic' };
export const atomicMap: Extensions = { 'x-kubernetes-map-type': 'atomic' };
