// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type Base,
  createdBy,
  finalizers,
  labels,
  resources,
  type Subscription,
  suffix,
} from '@clusternet/api-types';
import { isDeepStrictEqual } from 'node:util';
import { includesPairs, type Namespace } from '../kube/objects.ts';

const longestLabel = 63;
// Descriptions are named after the Base; their endings need room too.
const longestBaseName = 240;

/** Name of the Base of a Subscription, the same in every cluster: a repeated pass finds what it made before. */
export function baseNameOf(subscription: Subscription): string {
  const ending = `-${suffix(subscription.metadata.uid ?? '')}`;
  const head = subscription.metadata.name.slice(0, longestBaseName - ending.length).replace(/[-.]+$/, '');
  return `${head}${ending}`;
}

/** The Base of a Subscription in the namespace of one cluster. */
export function desiredBase(subscription: Subscription, namespace: Namespace): Base {
  const { name, namespace: home = '', uid = '' } = subscription.metadata;
  const short = name.length <= longestLabel;
  const { [labels.clusterId]: clusterId, [labels.clusterName]: clusterName } = namespace.metadata.labels ?? {};
  return {
    apiVersion: apiVersionOf(resources.bases),
    kind: 'Base',
    metadata: {
      name: baseNameOf(subscription),
      namespace: namespace.metadata.name,
      labels: {
        [labels.createdBy]: createdBy.controllerManager,
        [labels.configKind]: 'Subscription',
        ...(short ? { [labels.configName]: name } : {}),
        [labels.configNamespace]: home,
        [labels.configUid]: uid,
        ...(short ? { [labels.subsName]: name } : {}),
        [labels.subsNamespace]: home,
        [labels.subsUid]: uid,
        ...(clusterId ? { [labels.clusterId]: clusterId } : {}),
        ...(clusterName ? { [labels.clusterName]: clusterName } : {}),
      },
      ...(isDefaultInit(subscription) ? { annotations: { [annotations.isDefaultClusterInit]: 'true' } } : {}),
      finalizers: [finalizers.default],
    },
    spec: { feeds: subscription.spec.feeds },
  };
}

/** Whether the Subscription is what every cluster is initialised with. */
function isDefaultInit({ metadata }: Subscription): boolean {
  return metadata.annotations?.[annotations.isDefaultClusterInit] === 'true';
}

/** The merge patch that turns `actual` into `wanted`, or `undefined` when there is nothing to do. */
export function basePatch(actual: Base, wanted: Base): unknown {
  const { resourceVersion, finalizers: present = [] } = actual.metadata;
  const missing = (wanted.metadata.finalizers ?? []).filter((finalizer) => !present.includes(finalizer));
  const relabelled = !includesPairs(actual.metadata.labels, wanted.metadata.labels ?? {});
  const mark = (base: Base): string | undefined => base.metadata.annotations?.[annotations.isDefaultClusterInit];
  const remarked = mark(actual) !== mark(wanted);
  const refed = !isDeepStrictEqual(actual.spec.feeds, wanted.spec.feeds);
  const awaits = (base: Base) => base.metadata.annotations?.[annotations.awaitsLocalizations];
  const reawaits = awaits(actual) !== awaits(wanted);
  if (missing.length === 0 && !relabelled && !remarked && !refed && !reawaits) return undefined;
  return {
    metadata: {
      ...(relabelled ? { labels: wanted.metadata.labels } : {}),
      // Taken away by null.
      ...(remarked || reawaits
        ? {
            annotations: {
              ...(remarked ? { [annotations.isDefaultClusterInit]: mark(wanted) ?? null } : {}),
              ...(reawaits ? { [annotations.awaitsLocalizations]: awaits(wanted) ?? null } : {}),
            },
          }
        : {}),
      ...(missing.length > 0 ? { resourceVersion, finalizers: [...present, ...missing] } : {}),
    },
    ...(refed ? { spec: { feeds: wanted.spec.feeds } } : {}),
  };
}
