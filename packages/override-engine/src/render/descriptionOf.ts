// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Base,
  createdBy,
  type Description,
  type DescriptionSpec,
  finalizers,
  labels,
  resources,
} from '@clusternet/api-types';

/** Labels that a Description takes over from its Base. */
const inherited = [labels.subsName, labels.subsNamespace, labels.subsUid, labels.clusterId, labels.clusterName];

/** Longest value of a label. */
const maxLabel = 63;

/** A Description of `base`, complete with labels, owner and finalizer, so that one write creates it. */
export function descriptionOf(
  base: Base,
  { name, spec, annotations = {} }: { name: string; spec: DescriptionSpec; annotations?: Record<string, string> },
): Description {
  const { apiVersion, kind } = { apiVersion: apiVersionOf(resources.descriptions), kind: resources.descriptions.kind };
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: base.metadata.namespace,
      labels: labelsOf(base),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      finalizers: [finalizers.default],
      ownerReferences: [
        {
          apiVersion: apiVersionOf(resources.bases),
          kind: resources.bases.kind,
          name: base.metadata.name,
          uid: base.metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec,
  };
}

function labelsOf(base: Base): Record<string, string> {
  const { name, namespace, uid } = base.metadata;
  const given = inherited.flatMap((key) => {
    const value = base.metadata.labels?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    [labels.createdBy]: createdBy.controllerManager,
    [labels.configKind]: resources.bases.kind,
    ...(name.length <= maxLabel ? { [labels.configName]: name } : {}),
    [labels.configNamespace]: namespace ?? '',
    [labels.configUid]: uid ?? '',
    ...Object.fromEntries(given),
  };
}
