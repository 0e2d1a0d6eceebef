// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { type Feed, feedOf, type KubeObject, labels, type Manifest, serverMetadata } from '@clusternet/api-types';

/** A Manifest as it goes into a Description. */
export interface EncodedManifest {
  feed: Feed;
  /** The object, without what only an API server sets. */
  object: KubeObject;
  /** base64 JSON of the object. */
  raw: string;
}

const removedAnnotations = ['kubectl.kubernetes.io/last-applied-configuration'];

// Objects of an informer are never changed in place, so what was made of one stays true for as long as it lives.
const encoded = new WeakMap<Manifest, EncodedManifest | undefined>();

/**
 * The object of a Manifest without what only an API server sets, encoded for `Description.spec.raw`. Undefined when it
 * does not say which object it is.
 */
export function encodeManifest(manifest: Manifest): EncodedManifest | undefined {
  if (!encoded.has(manifest)) encoded.set(manifest, encode(manifest));
  return encoded.get(manifest);
}

/**
 * The feed that a Manifest answers. The template is the truth; the `config.*` labels, which a Manifest made by hand
 * lacks, only fill in what the template leaves out.
 */
export function feedOfManifest(manifest: Manifest): Feed | undefined {
  const template = manifest.template as Partial<KubeObject> | undefined;
  const label = (key: string): string | undefined => manifest.metadata.labels?.[key] || undefined;
  const version = label(labels.configVersion);
  const group = label(labels.configGroup);
  const apiVersion = text(template?.apiVersion) ?? (group === undefined ? version : version && `${group}/${version}`);
  const kind = text(template?.kind) ?? label(labels.configKind);
  const name = text(template?.metadata?.name) ?? label(labels.configName);
  const named = text(template?.metadata?.name) !== undefined;
  const namespace = text(template?.metadata?.namespace) ?? (named ? undefined : label(labels.configNamespace));
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** The feed behind an entry of `Description.spec.raw`; undefined when it cannot be read. */
export function feedOfRaw(raw: string): Feed | undefined {
  try {
    return feedOf(JSON.parse(Buffer.from(raw, 'base64').toString('utf8')) as KubeObject);
  } catch {
    return undefined;
  }
}

function encode(manifest: Manifest): EncodedManifest | undefined {
  const feed = feedOfManifest(manifest);
  if (feed === undefined) return undefined;
  const { apiVersion, kind, namespace, name } = feed;
  const metadata = { ...manifest.template.metadata, name, ...(namespace === undefined ? {} : { namespace }) };
  const object = trim({ ...manifest.template, apiVersion, kind, metadata });
  return { feed, object, raw: encodeObject(object) };
}

/** base64 JSON of an object, as it goes into `Description.spec.raw`. */
export function encodeObject(object: KubeObject): string {
  return Buffer.from(JSON.stringify(object)).toString('base64');
}

/** A copy of an object without what only an API server sets. */
export function trim(object: KubeObject): KubeObject {
  const trimmed = { ...object };
  delete trimmed['status'];
  const metadata: Record<string, unknown> = { ...object.metadata };
  for (const field of serverMetadata) delete metadata[field];
  const annotations = Object.entries(object.metadata.annotations ?? {}).filter(([key]) => !removedAnnotations.includes(key));
  if (annotations.length > 0) metadata['annotations'] = Object.fromEntries(annotations);
  else delete metadata['annotations'];
  return { ...trimmed, metadata: metadata as KubeObject['metadata'] };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
