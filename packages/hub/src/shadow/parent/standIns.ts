// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, type JsonObject, omit, type StatusError } from '@clusternet/apiserver';
import { type KubeObject } from '@clusternet/api-types';

/** A change of what the parent is asked to validate, with the way back. */
export interface StandIn {
  document: JsonObject;
  restore: (object: KubeObject) => KubeObject;
}

/** What a Pod names that has to be there when it is made: in the child, where it is deployed together with others, not in the parent. */
const podReferences = [
  'serviceAccountName',
  'serviceAccount',
  'priorityClassName',
  'runtimeClassName',
  'automountServiceAccountToken',
];

/** Leaves out of a Pod what the parent would look up, or would add for its own cluster. */
export function podStandIn(document: JsonObject): StandIn | undefined {
  const { spec } = document;
  if (document['apiVersion'] !== 'v1' || document['kind'] !== 'Pod' || !isObject(spec)) return undefined;
  const reduced = Object.fromEntries(Object.entries(spec).filter(([key]) => !podReferences.includes(key)));
  const restore = (object: KubeObject): KubeObject => {
    const { spec: given, ...rest } = object as KubeObject & { spec: JsonObject };
    const restored: JsonObject = { ...given };
    for (const key of podReferences) {
      if (spec[key] !== undefined) restored[key] = spec[key];
      else if (key === 'automountServiceAccountToken') delete restored[key];
    }
    if (spec['serviceAccountName'] !== undefined) restored['serviceAccount'] = spec['serviceAccountName'];
    // They come from a class of the parent; the child has its own.
    if (spec['automountServiceAccountToken'] === undefined) disown(object, 'f:automountServiceAccountToken');
    for (const key of ['priority', 'preemptionPolicy']) if (spec[key] === undefined) delete restored[key];
    return { ...rest, spec: restored };
  };
  return { document: { ...document, spec: { ...reduced, automountServiceAccountToken: false } }, restore };
}

function disown({ metadata: { managedFields = [] } }: KubeObject, field: string): void {
  for (const { fieldsV1 } of managedFields) {
    const spec = isObject(fieldsV1) ? fieldsV1['f:spec'] : undefined;
    if (isObject(spec)) delete spec[field];
  }
}

const allocated = /already allocated|not in the valid range|failed to allocate|not a valid port|not a valid IP|is not in the/;

/** Leaves out of a Service what the parent has given to another one, or does not have: in a child it may well be free. */
export function serviceStandIn(document: JsonObject, error: StatusError): StandIn | undefined {
  const { spec } = document;
  if (document['apiVersion'] !== 'v1' || document['kind'] !== 'Service' || !isObject(spec)) return undefined;
  const causes = error.details?.causes ?? [];
  const ours = causes.length > 0 && causes.every(({ message = '' }) => allocated.test(message));
  if (error.code !== 422 || !ours) return undefined;
  const ports = Array.isArray(spec['ports']) ? (spec['ports'] as JsonObject[]) : [];
  const { clusterIP, clusterIPs, healthCheckNodePort, ...rest } = spec;
  const restore = (object: KubeObject): KubeObject => {
    const { spec: given, ...others } = object as KubeObject & { spec: JsonObject & { ports?: JsonObject[] } };
    const restored: JsonObject = {
      ...given,
      ...(clusterIP !== undefined && { clusterIP, clusterIPs: clusterIPs ?? [clusterIP] }),
      ...(healthCheckNodePort !== undefined && { healthCheckNodePort }),
      ports: given.ports?.map((port, index) => {
        const nodePort = ports[index]?.['nodePort'];
        return nodePort === undefined ? port : { ...port, nodePort };
      }),
    };
    return { ...others, spec: restored };
  };
  const withoutPorts = ports.map((port) => omit(port, ['nodePort']));
  return { document: { ...document, spec: { ...rest, ports: withoutPorts } }, restore };
}
