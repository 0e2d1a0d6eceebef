// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { isTemplated } from './catalog.ts';
import { type CustomColumn, type ServedKind } from './servedKind.ts';

/** The parts of a CustomResourceDefinition that are kept. */
export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: string;
    names: { plural: string; singular?: string; kind: string; categories?: string[] };
    versions: CustomVersion[];
  };
  status?: { conditions?: { type: string; status: string }[] };
}

interface CustomVersion {
  name: string;
  served: boolean;
  storage: boolean;
  additionalPrinterColumns?: (Omit<CustomColumn, 'jsonPath'> & { jsonPath: string })[];
  selectableFields?: { jsonPath: string }[];
  subresources?: { status?: object; scale?: { specReplicasPath: string; labelSelectorPath?: string } };
}

/** The kind of an established CRD in its storage version; undefined when that is not served. */
export function customKind(crd: CustomResourceDefinition): ServedKind | undefined {
  const { group, scope, names, versions } = crd.spec;
  const stored = versions.find(({ storage, served }) => storage && served);
  const established = crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  if (!stored || !established || !isTemplated(group)) return undefined;
  const { scale, status } = stored.subresources ?? {};
  return {
    group,
    version: stored.name,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    namespaced: scope === 'Namespaced',
    categories: names.categories ?? [],
    custom: true,
    hasStatus: status !== undefined,
    ...(scale && { scale: { replicas: steps(scale.specReplicasPath) } }),
    ...(stored.additionalPrinterColumns && { columns: stored.additionalPrinterColumns }),
    ...(stored.selectableFields && {
      selectableFields: stored.selectableFields.map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    }),
  };
}

/** Drops what nobody here reads; schemas of CRDs are large. */
export function slimCrd(crd: CustomResourceDefinition): CustomResourceDefinition {
  const { name, uid, resourceVersion } = crd.metadata;
  const { group, scope, names, versions } = crd.spec;
  return {
    apiVersion: crd.apiVersion,
    kind: crd.kind,
    metadata: { name, uid, resourceVersion },
    spec: {
      group,
      scope,
      names,
      versions: versions.map(({ name: version, served, storage, additionalPrinterColumns, selectableFields, subresources }) => ({
        name: version,
        served,
        storage,
        additionalPrinterColumns,
        selectableFields,
        subresources,
      })),
    },
    status: { conditions: crd.status?.conditions },
  };
}

function steps(path: string): string[] {
  return path.split('.').filter((step) => step !== '');
}
