// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { isObject, jsonEqual } from '@clusternet/apiserver';
import { type FieldProblem } from '../requests/errors.ts';

/** Fields that a kind does not let change, by group and kind. */
const fixed: Record<string, readonly string[]> = {
  'apps/Deployment': ['spec.selector'],
  'apps/DaemonSet': ['spec.selector'],
  'apps/ReplicaSet': ['spec.selector'],
  'batch/Job': ['spec.selector', 'spec.completionMode', 'spec.podFailurePolicy', 'spec.backoffLimitPerIndex', 'spec.managedBy'],
  '/Secret': ['type'],
  '/PersistentVolumeClaim': [
    'spec.accessModes',
    'spec.selector',
    'spec.storageClassName',
    'spec.volumeMode',
    'spec.dataSource',
    'spec.volumeName',
  ],
  '/PersistentVolume': ['spec.volumeMode'],
  'rbac.authorization.k8s.io/RoleBinding': ['roleRef'],
  'rbac.authorization.k8s.io/ClusterRoleBinding': ['roleRef'],
  'storage.k8s.io/StorageClass': ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'],
  'scheduling.k8s.io/PriorityClass': ['value', 'preemptionPolicy'],
  'discovery.k8s.io/EndpointSlice': ['addressType'],
  'node.k8s.io/RuntimeClass': ['handler'],
  'networking.k8s.io/IngressClass': ['spec.controller'],
  'apiextensions.k8s.io/CustomResourceDefinition': ['spec.group', 'spec.scope', 'spec.names.kind', 'spec.names.plural'],
};

const statefulSetFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** What the real API would not let change from one state to the next, in its words. */
export function immutableProblems(before: KubeObject, after: KubeObject): FieldProblem[] {
  const group = before.apiVersion.includes('/') ? before.apiVersion.slice(0, before.apiVersion.indexOf('/')) : '';
  const key = `${group}/${before.kind}`;
  const fields = [...(fixed[key] ?? [])];
  const completesAtOnce = valueAt(before, 'spec.completionMode') !== 'Indexed';
  if (key === 'batch/Job' && completesAtOnce) fields.push('spec.completions');
  if (key === 'batch/Job' && valueAt(before, 'spec.suspend') !== true) fields.push('spec.template');
  const problems: FieldProblem[] = fields
    .filter((field) => !jsonEqual(valueAt(before, field) ?? null, valueAt(after, field) ?? null))
    .map((field) => problemOf(key, field, valueAt(after, field)));
  return [...problems, ...sealed(key, before, after), ...statefulSet(key, before, after)];
}

function problemOf(key: string, field: string, value: unknown): FieldProblem {
  if (key === 'scheduling.k8s.io/PriorityClass') return forbidden(field, 'may not be changed in an update.');
  if (key === 'storage.k8s.io/StorageClass' && field !== 'volumeBindingMode')
    return forbidden(field, `updates to ${field} are forbidden.`);
  const isRoleRef = field === 'roleRef' && isObject(value);
  // The API server shows its own structure here, not what is on the wire.
  const text = isRoleRef ? shown({ APIGroup: value['apiGroup'], Kind: value['kind'], Name: value['name'] }) : shown(value);
  const words = isRoleRef ? 'cannot change roleRef' : 'field is immutable';
  return { field, message: `Invalid value: ${text}: ${words}`, reason: 'FieldValueInvalid' };
}

function forbidden(field: string, words: string): FieldProblem {
  return { field, message: `Forbidden: ${words}`, reason: 'FieldValueForbidden' };
}

/** ConfigMaps and Secrets that are declared to stay as they are. */
function sealed(key: string, before: KubeObject, after: KubeObject): FieldProblem[] {
  if ((key !== '/ConfigMap' && key !== '/Secret') || valueAt(before, 'immutable') !== true) return [];
  const message = 'Forbidden: field is immutable when `immutable` is set';
  return ['immutable', 'data', 'binaryData']
    .filter((field) => !jsonEqual(valueAt(before, field) ?? null, valueAt(after, field) ?? null))
    .map((field) => ({ field, message, reason: 'FieldValueForbidden' }));
}

function statefulSet(key: string, before: KubeObject, after: KubeObject): FieldProblem[] {
  if (key !== 'apps/StatefulSet') return [];
  const rest = (object: KubeObject): unknown => {
    const spec = valueAt(object, 'spec');
    return isObject(spec) ? Object.fromEntries(Object.entries(spec).filter(([name]) => !statefulSetFields.includes(name))) : {};
  };
  if (jsonEqual(rest(before), rest(after))) return [];
  const names = statefulSetFields.map((name) => `'${name}'`);
  const message = `Forbidden: updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''} are forbidden`;
  return [{ field: 'spec', message, reason: 'FieldValueForbidden' }];
}

function valueAt(object: KubeObject, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) value = isObject(value) ? value[step] : undefined;
  return value;
}

function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}
