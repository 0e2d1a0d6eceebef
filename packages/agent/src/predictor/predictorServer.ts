// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import {
  type Prediction,
  predictorClusterIdHeader,
  predictorPaths,
  type ReplicaRequirements,
  replicaRequirementsSchema,
} from '@clusternet/api-types';
import * as z from 'zod';

/** What a {@link PredictorServer} answers with. */
export interface PredictorServerOptions {
  /** Port of the loopback address; 0 for any. */
  port: number;
  clusterId: string;
  /** `undefined` while the cluster is not known well enough to predict anything. */
  predict: (requirements: ReplicaRequirements) => Prediction | undefined | Promise<Prediction | undefined>;
  /** Told of each answer. */
  onAnswer?: (answer: { code: number; seconds: number }) => void;
}

const largestBody = 256 * 1024;
const retryAfterSeconds = 2;

/** An answer that is not a prediction. */
class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The predictor's HTTP API on the loopback address: nobody reaches it but through the tunnel, whose users the parent authorizes.
 * Every error is JSON, as readers parse before they look at the code.
 */
export class PredictorServer {
  readonly #o: PredictorServerOptions;
  readonly #server: Server;

  constructor(options: PredictorServerOptions) {
    this.#o = options;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 60_000 },
      (request, response) => {
        void this.#serve(request, response);
      },
    );
    this.#server.maxConnections = 256;
  }

  /**
   * Resolves to the port when it listens.
   *
   * @throws the system's error when the port is taken
   */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#o.port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    let code = 200;
    let body: unknown;
    try {
      body = await this.#answer(request);
    } catch (error) {
      code = error instanceof Refusal ? error.code : 500;
      body = { error: error instanceof Refusal ? error.message : 'the prediction failed' };
    }
    response.writeHead(code, {
      'content-type': 'application/json',
      ...(code === 503 ? { 'retry-after': String(retryAfterSeconds) } : {}),
      // The rest of a body that nobody reads must not be taken for the next request.
      ...(code === 413 ? { connection: 'close' } : {}),
    });
    response.end(JSON.stringify(body));
    this.#o.onAnswer?.({ code, seconds: (performance.now() - began) / 1000 });
  }

  async #answer(request: IncomingMessage): Promise<Prediction> {
    const path = (request.url ?? '').split('?')[0];
    if (path === predictorPaths.unscheduled) throw new Refusal(501, 'Not Implemented');
    if (path !== predictorPaths.predict) throw new Refusal(404, `there is only POST ${predictorPaths.predict}`);
    if (request.method !== 'POST') throw new Refusal(405, `${predictorPaths.predict} takes POST`);
    const meant = request.headers[predictorClusterIdHeader.toLowerCase()];
    if (meant !== undefined && meant !== this.#o.clusterId) {
      throw new Refusal(421, `this is the predictor of another cluster than the header ${predictorClusterIdHeader} says`);
    }
    const requirements = parseRequirements(await readBody(request));
    const prediction = await this.#o.predict(requirements);
    if (!prediction) throw new Refusal(503, 'nodes and pods of the cluster are still being read; try again');
    return prediction;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new Refusal(413, `the body is larger than ${largestBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseRequirements(text: string): ReplicaRequirements {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  const parsed = replicaRequirementsSchema.safeParse(value);
  if (!parsed.success) throw new Refusal(400, `the body is not ReplicaRequirements: ${z.prettifyError(parsed.error)}`);
  const { limits, requests } = parsed.data.resources ?? {};
  for (const [resource, quantity] of Object.entries({ ...limits, ...requests })) {
    if (String(quantity).trim().startsWith('-')) throw new Refusal(400, `resources: ${resource} must not be negative`);
  }
  return parsed.data;
}
