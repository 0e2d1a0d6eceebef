// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Manifest } from '@clusternet/api-types';
import { type KubeClient, type ResourceClient } from '@clusternet/client';
import { type DryRun } from './parent/dryRun.ts';
import { type ParentAccess } from './parent/access.ts';
import { type ParentSchemas } from './parent/schemas.ts';
import { type ServedKind } from './kinds/servedKind.ts';
import { type TemplateRef } from './templates/identity.ts';
import { type TemplateStore } from './templates/templateStore.ts';

/** What requests for shadow objects are answered with. */
export interface ShadowContext {
  client: KubeClient;
  manifests: ResourceClient<Manifest>;
  store: TemplateStore;
  dryRun: DryRun;
  access: ParentAccess;
  schemas: ParentSchemas;
  reservedNamespace: string;
  now: () => Date;
}

/** One request for shadow objects of a kind. */
export interface ShadowRequest {
  context: ShadowContext;
  request: IncomingMessage;
  response: ServerResponse;
  kind: ServedKind;
  query: URLSearchParams;
  /** Empty for all namespaces and for cluster-scoped kinds. */
  namespace: string;
}

/** One request for one shadow object. */
export interface ObjectRequest extends ShadowRequest {
  ref: TemplateRef;
}
