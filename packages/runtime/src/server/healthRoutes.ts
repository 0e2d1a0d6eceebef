// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import express, { type Express, type Request, type Response } from 'express';
import { type Logger } from '../logging/logger.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { toError } from '../util/errors.ts';
import { type DelegatedAuth } from './delegatedAuth.ts';
import { type CheckResult, type Health } from './health.ts';
import { healthReport } from './healthReport.ts';

/** What the routes show. */
export interface HealthRoutesOptions {
  health: Health;
  metrics: Metrics;
  auth: Pick<DelegatedAuth, 'check'>;
  logger: Logger;
}

/** `/healthz`, `/livez` and `/readyz` for everybody, `/metrics` for those the API server lets read it, nothing else. */
export function healthRoutes({ health, metrics, auth, logger }: HealthRoutesOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get(['/healthz', '/livez'], (request, response) => answerHealth(request, response, health.alive()));
  app.get('/readyz', (request, response) => answerHealth(request, response, health.ready()));
  app.get('/metrics', async (request, response) => {
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    let verdict;
    try {
      verdict = await auth.check(token, '/metrics');
    } catch (error) {
      logger.warn('cannot check who reads the metrics', { error: toError(error) });
      response.status(503).type('text').send('the API server cannot be asked whether you may read this; try again\n');
      return;
    }
    if (verdict === 'unauthenticated') {
      response.status(401).set('WWW-Authenticate', 'Bearer').type('text').send('a bearer token of this cluster is needed\n');
    } else if (verdict === 'forbidden') {
      response.status(403).type('text').send('your account needs the right to get the non-resource URL /metrics\n');
    } else {
      response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    }
  });
  app.use((_request, response) => {
    response.status(404).type('text').send('not found\n');
  });
  app.use((error: unknown, _request: Request, response: Response, next: (error: unknown) => void) => {
    if (response.headersSent) return next(error);
    logger.warn('a request to the health server failed', { error: toError(error) });
    response.status(errorStatus(error)).type('text').send('the request failed\n');
  });
  return app;
}

/** Malformed requests carry their 4xx; everything else is ours. */
function errorStatus(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

/** Answers a question after health as API servers do: one word, or each check with `?verbose`. */
export function answerHealth(request: Request, response: Response, results: readonly CheckResult[]): void {
  const { healthy, text } = healthReport(results, request.query['verbose'] !== undefined);
  response
    .status(healthy ? 200 : 503)
    .type('text')
    .set('Cache-Control', 'no-store')
    .send(text);
}
