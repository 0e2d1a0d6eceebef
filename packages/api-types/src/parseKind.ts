// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { apiVersionOf, type ResourceDefinition, type ResourceKey, resources } from './resources.ts';
import type { KubeObject } from './schemas/common.ts';
import { type KindTypes, schemas } from './schemas/all.ts';

/** One broken rule of an object. */
export interface FieldIssue {
  /** Path of the field as in `spec.feeds[0].name`; empty for the object itself. */
  path: string;
  message: string;
}

/** An object that does not have the shape of its kind. The message names kind, object, and each field with its rule. */
export class ApiTypeError extends Error {
  override readonly name = 'ApiTypeError';
  readonly issues: FieldIssue[];

  constructor(subject: string, issues: FieldIssue[]) {
    super(`${subject}: ${issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')}`);
    this.issues = issues;
  }
}

/** The static type of the kind that a definition names; any object when the definition is not known at compile time. */
export type KindTypeOf<D extends ResourceDefinition> = string extends D['kind']
  ? KubeObject
  : { [K in ResourceKey]: (typeof resources)[K]['kind'] extends D['kind'] ? KindTypes[K] : never }[ResourceKey];

/**
 * Checks that `value` is an object of the kind that `definition` names, and fills in defaults as the API server does.
 * Unknown fields stay. A `null` where the schema knows a field counts as absent: Go clients write unset fields so.
 *
 * @throws ApiTypeError such as `Subscription default/app: spec.schedulingStrategy: must be one of "Replication", "Dividing"`.
 */
export function parseKind<D extends ResourceDefinition>(definition: D, value: unknown): KindTypeOf<D> {
  const schema = schemaOf(definition);
  if (schema === undefined) {
    throw new ApiTypeError(definition.kind, [{ path: '', message: `no schema for ${apiVersionOf(definition)}` }]);
  }
  let result = schema.safeParse(value, { error: describeIssue });
  const withoutNulls = result.success ? undefined : dropNulls(value, result.error.issues);
  if (withoutNulls !== undefined) result = schema.safeParse(withoutNulls, { error: describeIssue });
  if (result.success) return result.data as KindTypeOf<D>;
  const issues = result.error.issues.map(({ path, message }) => ({ path: formatPath(path), message }));
  throw new ApiTypeError(subjectOf(definition, value), issues);
}

function schemaOf(definition: ResourceDefinition): z.ZodType | undefined {
  const key = (Object.keys(resources) as ResourceKey[]).find(
    (candidate) =>
      resources[candidate].kind === definition.kind && apiVersionOf(resources[candidate]) === apiVersionOf(definition),
  );
  return key === undefined ? undefined : schemas[key];
}

/** `Kind namespace/name`, as far as the value tells. */
function subjectOf(definition: ResourceDefinition, value: unknown): string {
  const metadata = memberOf(value, 'metadata');
  const name = memberOf(metadata, 'name') ?? memberOf(metadata, 'generateName');
  const namespace = memberOf(metadata, 'namespace');
  if (typeof name !== 'string') return definition.kind;
  return typeof namespace === 'string' ? `${definition.kind} ${namespace}/${name}` : `${definition.kind} ${name}`;
}

/** Rules in words; `undefined` leaves zod's own text. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${article(issue.expected)}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is required';
      return issue.values.length === 1
        ? `must be ${quote(issue.values[0])}`
        : `must be one of ${issue.values.map(quote).join(', ')}`;
    case 'too_small':
      return sizeRule('at least', issue.origin, Number(issue.minimum));
    case 'too_big':
      return sizeRule('at most', issue.origin, Number(issue.maximum));
    case 'invalid_format':
      return `must match ${issue.pattern ?? issue.format}`;
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : undefined;
    default:
      return undefined;
  }
}

function article(type: string): string {
  const words: Record<string, string> = { record: 'an object', object: 'an object', int: 'an integer', array: 'a list' };
  return words[type] ?? `a ${type}`;
}

function sizeRule(relation: string, origin: string, limit: number): string {
  if (origin === 'string') return `must have ${relation} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${relation} ${limit} item${limit === 1 ? '' : 's'}`;
  return `must be ${relation} ${limit}`;
}

function quote(value: unknown): string {
  return JSON.stringify(value);
}

function formatPath(path: PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (!/^[\w-]+$/.test(name)) return `${text}[${quote(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** A copy without the nulls that the issues complain about, or `undefined` when none of them is about a null member. */
function dropNulls(value: unknown, issues: z.core.$ZodIssue[]): unknown {
  const paths = issues.map(({ path }) => path).filter((path) => path.length > 0 && at(value, path) === null);
  if (paths.length === 0) return undefined;
  const copy = structuredClone(value);
  for (const path of paths) {
    const parent = at(copy, path.slice(0, -1));
    const key = path[path.length - 1];
    if (key !== undefined && typeof parent === 'object' && parent !== null && !Array.isArray(parent)) {
      Reflect.deleteProperty(parent, key);
    }
  }
  return copy;
}

function at(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>((current, key) => memberOf(current, key), value);
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
}
