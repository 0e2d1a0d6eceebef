// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  type Base,
  conditionReasons,
  conditionTypes,
  type Description,
  labels,
  type ManagedCluster,
} from '@clusternet/api-types';
import { findCondition, type NewCondition } from '@clusternet/runtime';
import { byAge, isDeleting } from '../kube/objects.ts';

/** What the initialisation of a cluster is judged by. */
export interface ClusterInitInput {
  cluster: ManagedCluster;
  /** Gate `ClusterInit`. */
  enabled: boolean;
  /** Of the dedicated namespace. */
  bases: readonly Base[];
  descriptions: readonly Description[];
}

/** How far the initialisation of a cluster is. */
export interface ClusterInit {
  condition: NewCondition;
  /** Base to write into `spec.clusterInitBaseName`, which can be done only once. */
  chooseBase?: string;
}

const type = conditionTypes.clusterInit;

/**
 * Judges how far a cluster is with what it is to be initialised with: the Base that an annotation of the cluster names, or the newest
 * one in its namespace that is for every cluster. Pure. A cluster that was initialised once stays so, whatever becomes of the Base.
 */
export function judgeClusterInit({ cluster, enabled, bases, descriptions }: ClusterInitInput): ClusterInit {
  const done = (reason: string, message: string): ClusterInit => ({ condition: { type, status: 'True', reason, message } });
  const waiting = (message: string, chooseBase?: string): ClusterInit => ({
    condition: { type, status: 'False', reason: conditionReasons.clusterInitWaiting, message },
    ...(chooseBase === undefined ? {} : { chooseBase }),
  });
  const { annotations: marks = {} } = cluster.metadata;
  if (!enabled) return done(conditionReasons.clusterInitDisabled, 'cluster initialization is disabled');
  if (marks[annotations.skipClusterInit] === 'true')
    return done(conditionReasons.clusterInitDisabled, `annotation ${annotations.skipClusterInit} says to skip it`);
  const before = findCondition(cluster.status?.conditions, type);
  if (before?.status === 'True' && before.reason === conditionReasons.clusterInitDone) {
    return done(before.reason, before.message);
  }
  const chosen = cluster.spec.clusterInitBaseName;
  const name = chosen ?? marks[annotations.clusterInitBase] ?? defaultBase(bases)?.metadata.name;
  if (name === undefined) {
    return waiting(
      `no Base to initialise the cluster with: annotate a Subscription with ${annotations.isDefaultClusterInit}=true, ` +
        `or the cluster with ${annotations.clusterInitBase} or ${annotations.skipClusterInit}=true`,
    );
  }
  const choose = chosen === undefined ? name : undefined;
  const base = bases.find(({ metadata }) => metadata.name === name);
  // The name can never be changed: one that nothing is called yet is not written down.
  if (!base) return waiting(`Base ${name} does not exist yet`);
  const own = descriptions.filter(
    ({ metadata }) => metadata.labels?.[labels.configKind] === 'Base' && metadata.labels[labels.configUid] === base.metadata.uid,
  );
  if (own.length === 0) return waiting(`Base ${name} is not rendered yet`, choose);
  const behind = own.filter((description) => !isDeployed(description));
  if (behind.length > 0)
    return waiting(`${behind.length} of ${own.length} Descriptions of Base ${name} are not deployed yet`, choose);
  return {
    ...done(conditionReasons.clusterInitDone, `everything of Base ${name} was deployed`),
    ...(choose === undefined ? {} : { chooseBase: choose }),
  };
}

function defaultBase(bases: readonly Base[]): Base | undefined {
  return bases
    .filter((base) => base.metadata.annotations?.[annotations.isDefaultClusterInit] === 'true' && !isDeleting(base))
    .sort(byAge)
    .at(-1);
}

function isDeployed({ metadata, status }: Description): boolean {
  const current = status?.observedGeneration === undefined || status.observedGeneration === metadata.generation;
  return status?.phase === 'Success' && current;
}
