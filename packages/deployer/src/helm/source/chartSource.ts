// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { type Buffer } from 'node:buffer';
import { type ChartCredentials, type ChartRef, repositoryOf, type ResolvedChart } from './chartRef.ts';
import { ChartSourceError } from './chartSourceError.ts';
import { resolveInHttpRepository } from './httpRepository.ts';
import { OciRegistry } from './ociRegistry.ts';
import { basicAuthorization, plain, SourceClient, statusError } from './sourceClient.ts';
import { type SourcePolicy } from './sourcePolicy.ts';

/** Largest archive of a chart; Helm's own charts are some 100 kB. */
export const maxArchiveBytes = 20 * 1024 * 1024;

/** A chart with its archive. */
export interface FetchedChart extends ResolvedChart {
  archive: Buffer;
  /** Always known, as it is counted. */
  digest: string;
}

/** Finds charts in repositories and fetches them. One for the process. */
export class ChartSource {
  readonly #policy: SourcePolicy;
  readonly #caPem: string | undefined;

  /** `caPem`: CAs of repositories, besides those of the system. */
  constructor(o: { policy: SourcePolicy; caPem?: string }) {
    this.#policy = o.policy;
    this.#caPem = o.caPem;
  }

  /**
   * Finds the exact version that `ref` means.
   *
   * @throws ChartSourceError
   */
  resolve(ref: ChartRef, credentials?: ChartCredentials, signal?: AbortSignal): Promise<ResolvedChart> {
    return this.#with(credentials, (client) => resolveWith({ client, ref, credentials, signal }).then(({ found }) => found));
  }

  /**
   * Finds and fetches a chart.
   *
   * @throws ChartSourceError, also when the archive is not the one that the repository, or `expected`, tells of
   */
  fetch(
    ref: ChartRef,
    o: { credentials?: ChartCredentials; expected?: string; signal?: AbortSignal } = {},
  ): Promise<FetchedChart> {
    const { credentials, expected, signal } = o;
    return this.#with(credentials, async (client) => {
      const { found, registry, base } = await resolveWith({ client, ref, credentials, signal });
      const sameHost = base !== undefined && base.origin === found.url.origin;
      const authorization = sameHost ? basicAuthorization(credentials) : undefined;
      const answer = registry
        ? await registry.read(found.url, maxArchiveBytes)
        : await client.get({ url: found.url, authorization, limit: maxArchiveBytes, signal });
      if (answer.status !== 200) throw statusError(found.url, answer.status, authorization !== undefined);
      const digest = `sha256:${createHash('sha256').update(answer.body).digest('hex')}`;
      for (const wanted of [found.digest, expected]) {
        if (wanted === undefined || wanted === digest) continue;
        throw new ChartSourceError(
          'Invalid',
          `the archive at ${plain(found.url)} is not the one that was announced: its digest is ${digest}, and not ${wanted}`,
        );
      }
      return { ...found, digest, archive: answer.body };
    });
  }

  async #with<T>(credentials: ChartCredentials | undefined, use: (client: SourceClient) => Promise<T>): Promise<T> {
    const client = new SourceClient({ policy: this.#policy, ca: [this.#caPem, credentials?.caPem] });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }
}

async function resolveWith(o: {
  client: SourceClient;
  ref: ChartRef;
  credentials: ChartCredentials | undefined;
  signal?: AbortSignal;
}): Promise<{ found: ResolvedChart; registry?: OciRegistry; base?: URL }> {
  const { client, ref, credentials, signal } = o;
  const repository = repositoryOf(ref);
  if (repository.type === 'oci') {
    const registry = new OciRegistry({ client, ...repository, credentials, signal });
    return { found: await registry.resolve(ref.version), registry };
  }
  const { chart, version } = ref;
  const { base } = repository;
  return { found: await resolveInHttpRepository({ client, base, chart, version, credentials, signal }), base };
}
