// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition, type ResourceKey, resources } from '../resources.ts';
import { schemas } from '../schemas/all.ts';
import { categories, groups } from '../wellKnown.ts';
import { type JsonSchema, structuralSchemaOf, without } from './structuralSchema.ts';

/** Column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'date';
  jsonPath: string;
  /** Above 0: shown with `-o wide` only. */
  priority?: number;
}

/** A CustomResourceDefinition of `apiextensions.k8s.io/v1`, as far as ours use it. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; annotations?: Record<string, string> };
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames?: string[]; categories?: string[] };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      subresources?: { status: Record<string, never> };
      additionalPrinterColumns?: PrinterColumn[];
      schema: { openAPIV3Schema: JsonSchema };
    }[];
  };
}

interface Presentation {
  shortNames?: string[];
  columns?: PrinterColumn[];
  /** Status is written apart from the rest. */
  status?: true;
}

const text = (name: string, jsonPath: string, priority?: number): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath,
  ...(priority === undefined ? {} : { priority }),
});
const age = (name = 'AGE'): PrinterColumn => ({ name, type: 'date', jsonPath: '.metadata.creationTimestamp' });
const chartColumns = (reason: string): PrinterColumn[] => [
  text('CHART', '.spec.chart'),
  text('VERSION', '.spec.version'),
  text('REPO', '.spec.repo'),
  text('STATUS', '.status.phase'),
  text('REASON', reason, 1),
  age(),
];

const applied = ".status.conditions[?(@.type=='Applied')]";
const overrideColumns = [
  text('FEED', '.spec.feed.kind'),
  text('NAME OF FEED', '.spec.feed.name'),
  text('APPLIED', `${applied}.status`),
  text('REASON', `${applied}.reason`),
  text('MESSAGE', `${applied}.message`, 1),
  age(),
];

/** The kinds that are stored by the API server (a Socket is served by the hub), and how `kubectl` shows them. */
const stored: Partial<Record<ResourceKey, Presentation>> = {
  clusterRegistrationRequests: {
    shortNames: ['clsrr'],
    status: true,
    columns: [text('CLUSTER ID', '.spec.clusterId'), text('STATUS', '.status.result'), age()],
  },
  managedClusters: {
    shortNames: ['mcls'],
    status: true,
    columns: [
      text('CLUSTER ID', '.spec.clusterId'),
      text('CLUSTER TYPE', '.spec.clusterType', 100),
      text('SYNC MODE', '.spec.syncMode'),
      text('KUBERNETES', '.status.k8sVersion'),
      text('STATUS', ".status.conditions[?(@.type=='Ready')].status"),
      text('CORDON', ".spec.taints[?(@.key=='clusters.clusternet.io/cordoned')].effect"),
      age(),
      text('AGENT VERSION', '.status.agentVersion', 100),
    ],
  },
  manifests: { columns: [age()] },
  subscriptions: { shortNames: ['sub', 'subs'], status: true, columns: [age()] },
  bases: { columns: [age()] },
  descriptions: {
    shortNames: ['desc'],
    status: true,
    columns: [text('DEPLOYER', '.spec.deployer'), text('STATUS', '.status.phase'), age()],
  },
  localizations: { shortNames: ['loc', 'local'], status: true, columns: overrideColumns },
  globalizations: { shortNames: ['glob', 'global'], status: true, columns: overrideColumns },
  helmCharts: { shortNames: ['chart', 'charts'], status: true, columns: chartColumns('.status.reason') },
  helmReleases: { shortNames: ['hr'], status: true, columns: chartColumns('.status.notes') },
  feedInventories: { shortNames: ['finv'] },
  serviceExports: { shortNames: ['svcex'], status: true, columns: [age('Age')] },
  serviceImports: {
    shortNames: ['svcim'],
    status: true,
    columns: [text('Type', '.spec.type'), text('IP', '.spec.ips'), age('Age')],
  },
};

/** The CustomResourceDefinitions of every stored kind, ready to be applied. */
export function crds(): CustomResourceDefinition[] {
  return (Object.keys(stored) as ResourceKey[]).map((key) => crdOf(key, stored[key] ?? {}));
}

function crdOf(key: ResourceKey, { shortNames, columns, status }: Presentation): CustomResourceDefinition {
  const definition: ResourceDefinition = resources[key];
  const { group, version, resource, kind, namespaced } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind,
        listKind: `${kind}List`,
        plural: resource,
        singular: kind.toLowerCase(),
        ...(shortNames === undefined ? {} : { shortNames }),
        ...(group === groups.multicluster ? {} : { categories: [categories.clusternet] }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(status === undefined ? {} : { subresources: { status: {} } }),
          ...(columns === undefined ? {} : { additionalPrinterColumns: columns }),
          schema: { openAPIV3Schema: withPlainTypeMeta(structuralSchemaOf(schemas[key])) },
        },
      ],
    },
  };
}

/** The API server takes care of type and metadata, and lets a CRD say nothing about them. */
function withPlainTypeMeta(schema: JsonSchema): JsonSchema {
  const { apiVersion, kind, ...parts } = schema.properties ?? {};
  const properties = {
    apiVersion: { type: 'string', description: apiVersion?.description },
    kind: { type: 'string', description: kind?.description },
    ...parts,
    metadata: { type: 'object' },
  };
  const required = (schema.required ?? []).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name));
  return { ...without(schema, 'required'), properties, ...(required.length > 0 ? { required } : {}) };
}
