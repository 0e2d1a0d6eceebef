// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { isObject, type JsonObject, omit } from '@clusternet/apiserver';

const serverMetadata = [
  'creationTimestamp',
  'resourceVersion',
  'selfLink',
  'uid',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/**
 * Drops what the parent filled in and what means something there only: addresses and ports that it allocated, classes that it prefers, its
 * own bookkeeping. What `wanted` says itself always stays.
 */
export function trim(object: KubeObject, wanted: JsonObject): KubeObject {
  const trimmer = trimmers[`${object.apiVersion.split('/').toReversed()[1] ?? ''}/${object.kind}`];
  // Most kinds are changed at the top only, and the rest of them can be shared.
  const source = trimmer ? structuredClone(object) : object;
  const result = omit(source, ['status']) as KubeObject & JsonObject;
  result.metadata = omit(source.metadata, serverMetadata) as KubeObject['metadata'];
  trimmer?.(result, wanted);
  return result;
}

type Trimmer = (object: JsonObject, wanted: JsonObject) => void;

/** By group and kind. */
const trimmers: Record<string, Trimmer> = {
  '/Service': (object, wanted) => {
    dropUnlessWanted(object, wanted, ['spec'], ['clusterIP', 'clusterIPs', 'ipFamilies', 'healthCheckNodePort']);
    const ports = listAt(object, ['spec', 'ports']);
    const asked = listAt(wanted, ['spec', 'ports']);
    for (const port of ports) {
      const match = asked.find(
        (one) => one['port'] === port['port'] && (one['protocol'] ?? 'TCP') === (port['protocol'] ?? 'TCP'),
      );
      if (match?.['nodePort'] === undefined || match['nodePort'] === 0) delete port['nodePort'];
    }
  },
  'batch/Job': (object, wanted) => {
    const generated = ['controller-uid', 'batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name', 'job-name'];
    // A Job without labels is given those of its pods.
    for (const path of [['metadata'], ['spec', 'template', 'metadata']]) {
      dropUnlessWanted(object, wanted, [...path, 'labels'], generated);
      dropEmpty(object, path, 'labels');
    }
    dropUnlessWanted(object, wanted, ['spec', 'selector', 'matchLabels'], generated);
    if (objectAt(wanted, ['spec', 'selector']) === undefined) dropEmpty(object, ['spec'], 'selector', 'matchLabels');
    dropUnlessWanted(object, wanted, ['spec', 'template', 'metadata'], ['creationTimestamp']);
  },
  '/Namespace': (object, wanted) => {
    dropUnlessWanted(object, wanted, ['spec'], ['finalizers']);
    dropEmpty(object, [], 'spec');
  },
  '/PersistentVolumeClaim': (object, wanted) => {
    dropUnlessWanted(object, wanted, ['spec'], ['storageClassName']);
    dropUnlessWanted(object, wanted, ['metadata'], ['finalizers']);
  },
  '/PersistentVolume': (object, wanted) => dropUnlessWanted(object, wanted, ['metadata'], ['finalizers']),
  'networking.k8s.io/Ingress': (object, wanted) => dropUnlessWanted(object, wanted, ['spec'], ['ingressClassName']),
  'certificates.k8s.io/CertificateSigningRequest': (object, wanted) =>
    dropUnlessWanted(object, wanted, ['spec'], ['username', 'uid', 'groups', 'extra']),
};

function dropUnlessWanted(object: JsonObject, wanted: JsonObject, path: readonly string[], fields: readonly string[]): void {
  const place = objectAt(object, path);
  const asked = objectAt(wanted, path);
  if (!place) return;
  for (const field of fields) if (asked?.[field] === undefined || asked[field] === null) delete place[field];
}

/** Drops a property that has nothing in it any more, and before it a property of it. */
function dropEmpty(object: JsonObject, path: readonly string[], field: string, below?: string): void {
  const place = objectAt(object, path);
  if (!place) return;
  if (below !== undefined) dropEmpty(object, [...path, field], below);
  const value = place[field];
  if (isObject(value) && Object.keys(value).length === 0) delete place[field];
}

function objectAt(object: JsonObject, path: readonly string[]): JsonObject | undefined {
  let value: unknown = object;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  return isObject(value) ? value : undefined;
}

function listAt(object: JsonObject, path: readonly string[]): JsonObject[] {
  const parent = objectAt(object, path.slice(0, -1));
  const value = parent?.[path.at(-1) ?? ''];
  return Array.isArray(value) ? value.filter(isObject) : [];
}
