// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { stringify } from 'yaml';
import { type CustomResourceDefinition, crds, groups, jsonSchemas } from '../src/index.ts';

const HEADER = '# Generated from the schemas of @clusternet/api-types by "pnpm generate". Do not edit.\n';
const HUB_CHART = 'charts/clusternet-hub/crd-files';
const AGENT_CHART = 'charts/clusternet-agent/crd-files';

/** Every generated file of the repository: path below its root -> text. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const crd of crds()) {
    const file = `${crd.metadata.name}.yaml`;
    files.set(`packages/api-types/crds/${file}`, yamlOf(crd));
    files.set(`${HUB_CHART}/${file}`, yamlOf(keptByHelm(crd)));
    if (crd.spec.group === groups.multicluster) files.set(`${AGENT_CHART}/${file}`, yamlOf(keptByHelm(crd)));
  }
  for (const { path, schema } of jsonSchemas()) {
    files.set(`packages/api-types/schemas/${path}`, `${JSON.stringify(schema, undefined, 2)}\n`);
  }
  return files;
}

/** Folders that hold nothing but generated files. */
export const generatedFolders = ['packages/api-types/crds', 'packages/api-types/schemas', HUB_CHART, AGENT_CHART];

/** Uninstalling a chart must not delete every object of its kinds. */
function keptByHelm(crd: CustomResourceDefinition): CustomResourceDefinition {
  return { ...crd, metadata: { ...crd.metadata, annotations: { 'helm.sh/resource-policy': 'keep' } } };
}

function yamlOf(value: unknown): string {
  return HEADER + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
