// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { conditionTypes, type ManagedCluster, stableStringify } from '@clusternet/api-types';
import { type ClusterInfo } from './framework/plugin.ts';
import { snapshotOf } from './placement/decide.ts';

/** All clusters in the order of decisions, sorted once per change and not once per decision. */
export class ClusterSnapshot {
  readonly #list: () => ManagedCluster[];
  #current: readonly ClusterInfo[] | undefined;

  constructor(list: () => ManagedCluster[]) {
    this.#list = list;
  }

  /** The clusters as they are; the same array until {@link outdated}. */
  get(): readonly ClusterInfo[] {
    this.#current ??= snapshotOf(this.#list());
    return this.#current;
  }

  outdated(): void {
    this.#current = undefined;
  }
}

/** What of a cluster is kept in memory: the status is most of the object, and placement looks at little of it. */
export function withoutUnused({ apiVersion, kind, metadata, spec, status }: ManagedCluster): ManagedCluster {
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, managedFields: undefined },
    spec,
    ...(status === undefined ? {} : { status: usedStatus(status) }),
  };
}

type Status = NonNullable<ManagedCluster['status']>;

function usedStatus(status: Status): Status {
  const { allocatable, resourceUsage, apiKinds, useSocket, predictorEnabled, predictorAddress, predictorDirectAccess } = status;
  const ready = status.conditions?.filter(({ type }) => type === conditionTypes.ready);
  return {
    allocatable,
    resourceUsage,
    apiKinds,
    useSocket,
    predictorEnabled,
    predictorAddress,
    predictorDirectAccess,
    ...(ready === undefined ? {} : { conditions: ready }),
  };
}

/** Whether a change of a cluster can change which Subscriptions may be there: its heartbeats cannot. */
export function placementDiffers(a: ManagedCluster, b: ManagedCluster): boolean {
  const facts = ({ metadata, spec, status }: ManagedCluster) =>
    stableStringify([
      metadata.labels,
      metadata.deletionTimestamp,
      spec.taints,
      status?.apiKinds,
      status?.conditions?.filter(({ type }) => type === conditionTypes.ready).map((condition) => condition.status),
    ]);
  return facts(a) !== facts(b);
}

/** Whether a change of a cluster can change how much fits there. */
export function roomDiffers(a: ManagedCluster, b: ManagedCluster): boolean {
  const facts = ({ status }: ManagedCluster) =>
    stableStringify([
      status?.allocatable,
      status?.resourceUsage,
      status?.useSocket,
      status?.predictorEnabled,
      status?.predictorAddress,
      status?.predictorDirectAccess,
    ]);
  return facts(a) !== facts(b);
}
