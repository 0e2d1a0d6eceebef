// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type ApiResource, type ServedVersion } from './apiResource.ts';

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** `/openapi/v2`: a valid document with a definition for each kind served. */
export function openApiV2(served: readonly ServedVersion[], version: string): object {
  const definitions = Object.fromEntries(served.flatMap((one) => schemasOf(one)));
  return { swagger: '2.0', info: info(version), paths: {}, definitions };
}

/** `/openapi/v3`: where the document of each version is; the hash in its address changes with it. */
export function openApiV3Index(served: readonly ServedVersion[], version: string): object {
  const paths = served.map((one) => {
    const path = `apis/${one.group}/${one.version}`;
    const hash = createHash('sha256')
      .update(JSON.stringify(openApiV3(one, version)))
      .digest('hex');
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash.toUpperCase()}` }];
  });
  return { paths: Object.fromEntries(paths) as object };
}

/** `/openapi/v3/apis/GROUP/VERSION`. */
export function openApiV3(served: ServedVersion, version: string): object {
  const schemas = Object.fromEntries(schemasOf(served));
  const paths = Object.fromEntries(visible(served.resources).map((resource) => path(served, resource)));
  return { openapi: '3.0.0', info: info(version), paths, components: { schemas } };
}

function info(version: string): object {
  return { title: 'Clusternet', version };
}

function schemasOf({ group, version, resources }: ServedVersion): [string, object][] {
  return visible(resources).map((resource) => [
    schemaName(group, version, resource.kind),
    { ...(resource.schema ?? anything), 'x-kubernetes-group-version-kind': [{ group, version, kind: resource.kind }] },
  ]);
}

function visible(resources: ServedVersion['resources']): ApiResource[] {
  return resources().filter(({ hidden }) => !hidden);
}

function path({ group, version }: ServedVersion, resource: ApiResource): [string, object] {
  const { name, kind, namespaced } = resource;
  const parameters = [parameter('name'), ...(namespaced ? [parameter('namespace')] : [])];
  const schema = { $ref: `#/components/schemas/${schemaName(group, version, kind)}` };
  return [
    `/apis/${group}/${version}/${namespaced ? 'namespaces/{namespace}/' : ''}${name}/{name}`,
    {
      parameters,
      get: {
        description: `read the specified ${kind}`,
        operationId: `read_${group}_${version}_${name}`.replaceAll(/\W/g, '_'),
        responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
        'x-kubernetes-action': 'get',
        'x-kubernetes-group-version-kind': { group, version, kind },
      },
    },
  ];
}

function parameter(name: string): object {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

/** `clusternet.io` becomes `io.clusternet`, as in the names of Kubernetes' own definitions. */
function schemaName(group: string, version: string, kind: string): string {
  return [...group.split('.').toReversed(), version, kind].join('.');
}
