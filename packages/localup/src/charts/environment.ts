// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { LocalupError } from '../errors.ts';
import { expand } from './expand.ts';
import { type Container, type OptionalName } from './podTemplate.ts';

/** Reads the data of a ConfigMap or Secret (decoded); `undefined` if there is none. */
export type DataReader = (kind: 'ConfigMap' | 'Secret', name: string) => Promise<Record<string, Buffer> | undefined>;

/** What the fields of the pod that is played are. */
export interface PodFields {
  name: string;
  namespace: string;
  serviceAccountName: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/**
 * The environment that a container's `envFrom` and `env` give.
 * @throws LocalupError when something is referred to that is not there, as the kubelet would refuse to start the container.
 */
export async function containerEnvironment(
  container: Container,
  read: DataReader,
  pod: PodFields,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    for (const [kind, reference] of [['ConfigMap', configMapRef] as const, ['Secret', secretRef] as const]) {
      if (!reference) continue;
      for (const [key, value] of Object.entries((await data(kind, reference)) ?? {})) variables[prefix + key] = value.toString();
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      variables[name] = expand(value ?? '', variables);
    } else if (valueFrom.fieldRef) {
      variables[name] = podField(valueFrom.fieldRef.fieldPath, pod);
    } else if (valueFrom.secretKeyRef) {
      await fromKey('Secret', name, valueFrom.secretKeyRef);
    } else if (valueFrom.configMapKeyRef) {
      await fromKey('ConfigMap', name, valueFrom.configMapKeyRef);
    } else {
      throw new LocalupError(`variable ${name} of container ${container.name} comes from what a local process has not`);
    }
  }
  return variables;

  async function fromKey(kind: 'ConfigMap' | 'Secret', name: string, reference: OptionalName & { key: string }): Promise<void> {
    const value = (await data(kind, reference))?.[reference.key];
    if (value !== undefined) variables[name] = value.toString();
    else if (!reference.optional) throw new LocalupError(`${kind} ${reference.name} has no key ${reference.key}`);
  }

  async function data(kind: 'ConfigMap' | 'Secret', reference: OptionalName): Promise<Record<string, Buffer> | undefined> {
    const found = await read(kind, reference.name);
    if (!found && !reference.optional) throw new LocalupError(`no ${kind} ${pod.namespace}/${reference.name}`);
    return found;
  }
}

/** A pod field as the downward API gives it. */
export function podField(path: string, pod: PodFields): string {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed) return (keyed[1] === 'labels' ? pod.labels : pod.annotations)?.[keyed[2] ?? ''] ?? '';
  const fields: Record<string, string> = {
    'metadata.name': pod.name,
    'metadata.namespace': pod.namespace,
    'spec.serviceAccountName': pod.serviceAccountName,
    'spec.nodeName': 'localhost',
    'status.hostIP': '127.0.0.1',
    'status.podIP': '127.0.0.1',
  };
  const value = fields[path];
  if (value === undefined) throw new LocalupError(`a local process has no ${path}`);
  return value;
}
