// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type FieldTerm, isObject, StatusError } from '@clusternet/apiserver';
import { type ServedKind } from '../kinds/servedKind.ts';

const everywhere = ['metadata.name', 'metadata.namespace'];

/** Further fields that the parent lets select by, beside those of all kinds. */
const more: Record<string, readonly string[]> = {
  '/Pod': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/Node': ['spec.unschedulable'],
  '/Namespace': ['status.phase'],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  '/ReplicationController': ['status.replicas'],
  '/Event': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'batch/Job': ['status.successful'],
  'certificates.k8s.io/CertificateSigningRequest': ['spec.signerName'],
};

const defaults: Record<string, string> = {
  'Namespace/status.phase': 'Active',
  'Service/spec.type': 'ClusterIP',
  'Node/spec.unschedulable': 'false',
  'Pod/spec.hostNetwork': 'false',
  'ReplicaSet/status.replicas': '0',
  'ReplicationController/status.replicas': '0',
  'Job/status.successful': '0',
};

/** @throws StatusError 400 for a field that the kind cannot be selected by */
export function checkFields(kind: ServedKind, terms: readonly FieldTerm[]): void {
  const known = [...everywhere, ...(more[`${kind.group}/${kind.kind}`] ?? []), ...(kind.selectableFields ?? [])];
  for (const { field } of terms) {
    if (known.includes(field)) continue;
    const plain = known.length === everywhere.length && !kind.custom;
    throw new StatusError(
      400,
      plain ? `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"` : unsupported(kind, field),
    );
  }
}

function unsupported({ group, kind }: ServedKind, field: string): string {
  return group === 'batch' && kind === 'Job'
    ? `field label "${field}" not supported for Job`
    : `field label not supported: ${field}`;
}

/** The text of a field that objects are selected by. */
export function fieldValue(object: KubeObject, field: string): string | undefined {
  let value: unknown = object;
  for (const step of field.split('.')) value = isObject(value) ? value[step] : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return defaults[`${object.kind}/${field}`];
}
