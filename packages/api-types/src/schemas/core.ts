// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { labelSelector } from './common.ts';
import { atomicList, atomicMap, int32, list, listMap, map, object, oneOf, quantity, string } from './dsl.ts';

// The parts of core/v1 that our kinds embed.

const nodeSelectorRequirement = object('Condition on one label or field.', {
  key: string('Label key.'),
  operator: oneOf('How the value relates to the values.', ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: list('Values to compare with.', string('Value.'), { extensions: atomicList }).optional(),
});

function nodeSelectorTerm(description: string) {
  return object(
    description,
    {
      matchExpressions: list('Conditions on labels.', nodeSelectorRequirement, { extensions: atomicList }).optional(),
      matchFields: list('Conditions on fields.', nodeSelectorRequirement, { extensions: atomicList }).optional(),
    },
    { extensions: atomicMap },
  );
}

/** core/v1 PreferredSchedulingTerm. */
export const preferredSchedulingTermSchema = object('A preference and how much it counts.', {
  weight: int32('How much the preference counts, 1 to 100.'),
  preference: nodeSelectorTerm('What is preferred.'),
});

/** core/v1 TopologySpreadConstraint. */
export const topologySpreadConstraintSchema = object('How far the numbers in two domains may differ.', {
  maxSkew: int32('Greatest difference between two domains.'),
  topologyKey: string('Label whose values are the domains.'),
  whenUnsatisfiable: string('What to do if it cannot be met: DoNotSchedule or ScheduleAnyway.'),
  labelSelector: labelSelector('Which objects are counted.').optional(),
  minDomains: int32('Fewest domains.').optional(),
  nodeAffinityPolicy: string('Whether node affinity counts: Honor or Ignore.').optional(),
  nodeTaintsPolicy: string('Whether node taints count: Honor or Ignore.').optional(),
  matchLabelKeys: list('Keys of labels whose values are added to the selector.', string('Label key.'), {
    extensions: atomicList,
  }).optional(),
});

const podAffinityTerm = object('Pods to be near to, or away from.', {
  labelSelector: labelSelector('Which pods.').optional(),
  namespaceSelector: labelSelector('Namespaces of these pods, by labels.').optional(),
  namespaces: list('Namespaces of these pods, by name.', string('Namespace.'), { extensions: atomicList }).optional(),
  topologyKey: string('Label whose values say what "near" means.'),
  matchLabelKeys: list('Keys of labels whose values are added to the selector.', string('Label key.'), {
    extensions: atomicList,
  }).optional(),
  mismatchLabelKeys: list('Keys of labels whose values are added to the selector, negated.', string('Label key.'), {
    extensions: atomicList,
  }).optional(),
});

function podAffinity(description: string) {
  return object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: list('Terms that must all hold.', podAffinityTerm, {
      extensions: atomicList,
    }).optional(),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      'Terms that count by their weight.',
      object('A term and how much it counts.', {
        weight: int32('How much the term counts, 1 to 100.'),
        podAffinityTerm,
      }),
      { extensions: atomicList },
    ).optional(),
  });
}

/** core/v1 Affinity. */
export const affinitySchema = object('On which nodes a replica can run.', {
  nodeAffinity: object('Nodes by their own properties.', {
    requiredDuringSchedulingIgnoredDuringExecution: object(
      'What a node must have.',
      {
        nodeSelectorTerms: list('Terms of which one must hold.', nodeSelectorTerm('One term.'), { extensions: atomicList }),
      },
      { extensions: atomicMap },
    ).optional(),
    preferredDuringSchedulingIgnoredDuringExecution: list('What a node should have.', preferredSchedulingTermSchema, {
      extensions: atomicList,
    }).optional(),
  }).optional(),
  podAffinity: podAffinity('Nodes near to certain pods.').optional(),
  podAntiAffinity: podAffinity('Nodes away from certain pods.').optional(),
});

/** core/v1 ResourceRequirements. */
export const resourceRequirementsSchema = object('Resources of one replica.', {
  requests: map('What is set aside for it.', quantity('Amount.')).optional(),
  limits: map('What it may use at most.', quantity('Amount.')).optional(),
  claims: list(
    'Resource claims of its pod that it uses.',
    object('A claim.', {
      name: string('Name of the claim in the pod.'),
      request: string('Name of the request in the claim.').optional(),
    }),
    { extensions: listMap('name') },
  ).optional(),
});
export type ResourceRequirements = z.input<typeof resourceRequirementsSchema>;
