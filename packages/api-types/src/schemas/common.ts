// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { atomicList, atomicMap, boolean, dateTime, int64, list, listMap, map, object, oneOf, string, anyObject } from './dsl.ts';

/** `metadata.ownerReferences[]`. */
export const ownerReferenceSchema = object('Object that this one belongs to.', {
  apiVersion: string('API version of the owner.'),
  kind: string('Kind of the owner.'),
  name: string('Name of the owner.'),
  uid: string('UID of the owner.'),
  controller: boolean('Whether the owner manages this object.').optional(),
  blockOwnerDeletion: boolean('Whether the owner stays until this object is gone (foreground deletion).').optional(),
});
export type OwnerReference = z.input<typeof ownerReferenceSchema>;

/** `metadata` of stored objects; the API server checks it, so only the types are looked at here. */
export const objectMetaSchema = object('Standard object metadata.', {
  name: string('Name, unique in its namespace.', { min: 1 }),
  namespace: string('Namespace; none for cluster-scoped objects.').optional(),
  generateName: string('Prefix of a name that the API server completes.').optional(),
  uid: string('Unique in time and space.').optional(),
  resourceVersion: string('Version of this object, opaque.').optional(),
  generation: int64('Counts the changes of the desired state.').optional(),
  creationTimestamp: dateTime('When the object was created.').optional(),
  deletionTimestamp: dateTime('When the object goes away once its finalizers are gone.').optional(),
  deletionGracePeriodSeconds: int64('Seconds between the request and the deletion.').optional(),
  labels: map('Labels, for selection.', string('Value.')).optional(),
  annotations: map('Annotations, not for selection.', string('Value.')).optional(),
  finalizers: list('Cleanups that must be done before the object goes.', string('Finalizer.')).optional(),
  ownerReferences: list('Objects that this one belongs to.', ownerReferenceSchema).optional(),
  managedFields: list('Who set which field.', anyObject('One writer.')).optional(),
});
export type ObjectMeta = z.input<typeof objectMetaSchema>;

/** Any object of Kubernetes. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [key: string]: unknown;
}

/** `status.conditions[]`, the shape of `metav1.Condition`. */
export const conditionSchema = object('One aspect of the state of an object.', {
  type: string('Aspect, in CamelCase.', {
    max: 316,
    pattern: /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
    patternMessage: 'must be a qualified name such as "Ready"',
  }),
  status: oneOf('Whether the aspect holds.', ['True', 'False', 'Unknown']),
  reason: string('Cause of the last change as one CamelCase word, for programs.', {
    min: 1,
    max: 1024,
    pattern: /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/,
    patternMessage: 'must be one CamelCase word',
  }),
  message: string('Cause of the last change, for people.', { max: 32768 }),
  lastTransitionTime: dateTime('When the status changed last.'),
  observedGeneration: int64('Value of metadata.generation that this condition is about.', { min: 0 }).optional(),
});
export type Condition = z.input<typeof conditionSchema>;

/** `status.conditions`: each writer owns the types it sets. */
export function conditions() {
  return list('State of the object, one entry per aspect.', conditionSchema, { extensions: listMap('type') });
}

const requirementFields = {
  key: string('Label key.', { min: 1 }),
  operator: oneOf('How the value relates to the values.', ['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: list('Values for In and NotIn; empty for the others.', string('Label value.'), { extensions: atomicList }).optional(),
};
const labelSelectorRequirement = object('Condition on one label.', requirementFields);

/** A selector with `In` and no values is refused rather than failing later, when clusters are chosen by it. */
const clusterSelectorRequirement = object('Condition on one label.', requirementFields, {
  rules: [
    {
      rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
      message: 'values are required when operator is In or NotIn',
      check: ({ operator, values = [] }) => !['In', 'NotIn'].includes(operator) || values.length > 0,
      field: 'values',
    },
    {
      rule: "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || self.values.size() == 0",
      message: 'values must be empty when operator is Exists or DoesNotExist',
      check: ({ operator, values = [] }) => ['In', 'NotIn'].includes(operator) || values.length === 0,
      field: 'values',
    },
  ],
});

function selectorOf(description: string, requirement: typeof labelSelectorRequirement, max?: number) {
  return object(
    description,
    {
      matchLabels: map('Labels that must have exactly these values.', string('Label value.')).optional(),
      matchExpressions: list('Conditions that must all hold.', requirement, { max, extensions: atomicList }).optional(),
    },
    { extensions: atomicMap },
  );
}

/** A label selector under a field of the given meaning, as it is embedded in other APIs. */
export function labelSelector(description: string) {
  return selectorOf(description, labelSelectorRequirement);
}

/** A selector over ManagedClusters, checked when it is written. */
export function clusterSelector(description: string) {
  return selectorOf(description, clusterSelectorRequirement, 128);
}

export const labelSelectorSchema = labelSelector('Selects objects by their labels; an empty selector takes all.');
export type LabelSelector = z.input<typeof labelSelectorSchema>;

/** core/v1 Toleration. */
export const tolerationSchema = object('Taints that are accepted.', {
  key: string('Taint key; empty with operator Exists accepts every key.').optional(),
  operator: oneOf('How value relates to the taint value; Equal when absent.', ['Exists', 'Equal', 'Lt', 'Gt']).optional(),
  value: string('Taint value, for operators that compare.').optional(),
  effect: oneOf('Effect that is accepted; all when absent.', ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: int64('How long a NoExecute taint is accepted; for ever when absent.').optional(),
});
export type Toleration = z.input<typeof tolerationSchema>;

/** core/v1 Taint. */
export const taintSchema = object('Repels what does not tolerate it.', {
  key: string('Taint key.', { min: 1 }),
  value: string('Taint value.').optional(),
  effect: string('What happens to what does not tolerate the taint: NoSchedule, PreferNoSchedule or NoExecute.', { min: 1 }),
  timeAdded: dateTime('When the taint was set.').optional(),
});
export type Taint = z.input<typeof taintSchema>;

/** Fields of a Feed, to be used inline by others. */
export const feedFields = {
  apiVersion: string('API version of the object, such as apps/v1.', { min: 1, max: 317 }),
  kind: string('Kind of the object, in CamelCase.', { min: 1, max: 63 }),
  namespace: string('Namespace of the object; none for cluster-scoped kinds.', { max: 63 }).optional(),
  name: string('Name of the object.', { min: 1, max: 253 }),
};
/** Names an object to be deployed. */
export const feedSchema = object('Object to be deployed.', feedFields);
export type Feed = z.input<typeof feedSchema>;
