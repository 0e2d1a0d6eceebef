// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';
import { isSecretKey } from '../logging/redact.ts';
import { durationFormat, formatDuration } from './duration.ts';

/** How the text of a flag or variable becomes a value. */
export type SettingKind = 'boolean' | 'number' | 'string' | 'list' | 'map';

/** One setting of a service, as read from its zod schema. */
export interface Setting {
  /** Name in files and code: `kubeApiQps`. */
  key: string;
  /** Name on the command line, without dashes: `kube-api-qps`. */
  flag: string;
  /** Name of the environment variable: `CLUSTERNET_KUBE_API_QPS`. */
  variable: string;
  kind: SettingKind;
  isDuration: boolean;
  /** Never printed. */
  secret: boolean;
  /** Left out of the help; for settings kept only so that old command lines work. */
  hidden: boolean;
  required: boolean;
  description: string;
  choices: string[];
  defaultValue: unknown;
}

/** What our code may say about a setting with `.meta()`. */
interface SettingMeta {
  description?: string;
  format?: string;
  secret?: boolean;
  hidden?: boolean;
}

/** The settings of a schema in the order they are declared. */
export function settingsOf(schema: z.ZodObject): Setting[] {
  return Object.entries(schema.shape).map(([key, field]) => describeSetting(key, field as z.ZodType));
}

/** `kubeApiQps` as `kube-api-qps`. */
export function kebabCase(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}

function describeSetting(key: string, field: z.ZodType): Setting {
  const layers = [...unwrap(field)];
  const meta: SettingMeta = {};
  // The outermost layer that says something wins.
  for (const layer of layers.toReversed()) Object.assign(meta, definedOnly(z.globalRegistry.get(layer)));
  const core = layers.at(-1) ?? field;
  const isDuration = meta.format === durationFormat;
  const flag = kebabCase(key);
  return {
    key,
    flag,
    variable: `CLUSTERNET_${flag.replaceAll('-', '_').toUpperCase()}`,
    kind: isDuration ? 'string' : kindOf(core),
    isDuration,
    secret: meta.secret ?? isSecretKey(key),
    hidden: meta.hidden ?? false,
    required: !field.safeParse(undefined).success,
    description: meta.description ?? '',
    choices: core instanceof z.ZodEnum ? core.options.map(String) : [],
    defaultValue: defaultOf(layers),
  };
}

/** The default as somebody would write it on the command line; undefined when there is none. */
export function formatDefault(setting: Setting): string | undefined {
  const { defaultValue: value } = setting;
  if (value === undefined || value === '') return undefined;
  if (setting.isDuration && typeof value === 'number') return formatDuration(value);
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(',');
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${key}=${String(item)}`);
    return pairs.length === 0 ? undefined : pairs.join(',');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The layers of a schema from the outside in: default, optional and the like, then what they wrap. */
function* unwrap(field: z.ZodType): Generator<z.ZodType> {
  for (let layer: z.ZodType | undefined = field; layer; layer = innerOf(layer)) yield layer;
}

function innerOf(layer: z.ZodType): z.ZodType | undefined {
  if (layer instanceof z.ZodPipe) return (layer.in instanceof z.ZodTransform ? layer.out : layer.in) as z.ZodType;
  const { innerType } = layer.def as { innerType?: z.ZodType };
  return innerType;
}

function kindOf(core: z.ZodType): SettingKind {
  if (core instanceof z.ZodBoolean) return 'boolean';
  if (core instanceof z.ZodNumber) return 'number';
  if (core instanceof z.ZodArray) return 'list';
  if (core instanceof z.ZodRecord) return 'map';
  return 'string';
}

function defaultOf(layers: z.ZodType[]): unknown {
  for (const layer of layers) {
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return layer.def.defaultValue;
  }
  return undefined;
}

function definedOnly(meta: object | undefined): object {
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([, value]) => value !== undefined));
}
