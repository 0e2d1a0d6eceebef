// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { answerHealth, type Health, type Metrics } from '@clusternet/runtime';
import { aggregatedVersion, requireJson } from './discovery/accept.ts';
import { aggregatedDiscovery, groupDocument, groupList, resourceList } from './discovery/discovery.ts';
import { openApiV2, openApiV3, openApiV3Index } from './discovery/openapi.ts';
import { writeJson } from './request/answers.ts';
import { StatusError } from './request/statusError.ts';
import { type Registry } from './registry.ts';

/** Options of {@link routes}. */
export interface RoutesOptions {
  registry: Registry;
  health: Health;
  metrics: Metrics;
  /** Of this program, for `/version` and OpenAPI. */
  version: string;
  onError: ErrorRequestHandler;
}

/** The documents that are served beside the resources of the groups. */
export function routes({ registry, health, metrics, version, onError }: RoutesOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // The gate tells upper from lower case; a router that does not would serve what was authorized as something else.
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  const { served } = registry;
  app.get(['/healthz', '/livez'], (request, response) => answerHealth(request, response, health.alive()));
  app.get('/readyz', (request, response) => answerHealth(request, response, health.ready()));
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  app.get('/version', (_request, response) => writeJson(response, versionInfo(version)));
  app.get('/apis', (request, response) => {
    const aggregated = aggregatedVersion(request.headers.accept);
    if (aggregated === undefined) return document(request, response, groupList(served));
    const type = `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`;
    response.vary('Accept');
    writeJson(response, aggregatedDiscovery(served, aggregated), { type });
  });
  app.get('/apis/:group', (request, response) => document(request, response, groupDocument(served, request.params.group)));
  app.get('/apis/:group/:version', (request, response) => {
    const found = served.find((one) => one.group === request.params.group && one.version === request.params.version);
    document(request, response, found && resourceList(found));
  });
  app.get('/openapi/v2', (request, response) => document(request, response, openApiV2(served, version)));
  app.get('/openapi/v3', (request, response) => document(request, response, openApiV3Index(served, version)));
  app.get('/openapi/v3/apis/:group/:version', (request, response) => {
    const found = served.find((one) => one.group === request.params.group && one.version === request.params.version);
    document(request, response, found && openApiV3(found, version));
  });
  app.use((request) => {
    throw ['GET', 'HEAD'].includes(request.method)
      ? new StatusError(404, 'the server could not find the requested resource', { details: {} })
      : new StatusError(405, 'the server does not allow this method on the requested resource', { details: {} });
  });
  app.use(onError);
  return app;
}

function document(request: Request, response: Response, body: object | undefined): void {
  if (!body) throw new StatusError(404, 'the server could not find the requested resource', { details: {} });
  requireJson(request.headers.accept);
  writeJson(response, body);
}

function versionInfo(version: string): object {
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
  return {
    major,
    minor,
    gitVersion: version.startsWith('v') ? version : `v${version}`,
    platform: `${process.platform}/${process.arch}`,
  };
}
