// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ChartCredentials, type ResolvedChart } from './chartRef.ts';
import { ChartSourceError } from './chartSourceError.ts';
import { chooseVersion, isExactVersion } from './chartVersions.ts';
import { noSuchVersion } from './httpRepository.ts';
import { basicAuthorization, plain, type SourceAnswer, type SourceClient, statusError } from './sourceClient.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const layerTypes = ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip'];
const maxJsonBytes = 4 * 1024 * 1024;
const maxPages = 50;

/** Reads charts from an OCI registry by the distribution API, with basic credentials or the tokens that the registry asks for. */
export class OciRegistry {
  readonly #o: {
    client: SourceClient;
    registry: URL;
    path: string;
    credentials: ChartCredentials | undefined;
    signal?: AbortSignal;
  };
  #authorization: string | undefined;

  constructor(o: {
    client: SourceClient;
    registry: URL;
    /** Repository in the registry. */
    path: string;
    credentials: ChartCredentials | undefined;
    signal?: AbortSignal;
  }) {
    this.#o = o;
  }

  /** Finds the archive of a version; a range, or none, by the tags of the repository. */
  async resolve(wanted: string | undefined): Promise<ResolvedChart> {
    // An exact version needs no list, which registries give to fewer people and page by page.
    if (isExactVersion(wanted)) {
      const found = await this.#archiveOf(wanted.trim());
      if (found) return found;
    }
    const versions = await this.#versions();
    const version = chooseVersion(versions, wanted);
    if (version === undefined) throw noSuchVersion(this.#name, wanted, [...versions].reverse());
    const found = await this.#archiveOf(version);
    if (found) return found;
    throw noSuchVersion(this.#name, wanted, [...versions].reverse());
  }

  /** Reads an archive that {@link OciRegistry.resolve} found. */
  read(url: URL, limit: number): Promise<SourceAnswer> {
    return this.#get(url, limit);
  }

  get #name(): string {
    return this.#o.path.slice(this.#o.path.lastIndexOf('/') + 1);
  }

  async #archiveOf(version: string): Promise<ResolvedChart | undefined> {
    // Tags cannot hold the "+" of build metadata.
    const url = this.#url(`manifests/${encodeURIComponent(version.replaceAll('+', '_'))}`);
    const answer = await this.#get(url, maxJsonBytes, manifestType);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#error(url, answer);
    const manifest = json<{ layers?: { mediaType?: string; digest?: string }[] }>(answer, url);
    const layer = manifest.layers?.find(({ mediaType = '' }) => layerTypes.includes(mediaType));
    if (!layer?.digest || !/^sha256:[0-9a-f]{64}$/.test(layer.digest)) {
      throw new ChartSourceError('Invalid', `${plain(url)} is not a Helm chart, but something else that the registry holds`);
    }
    return { version, digest: layer.digest, url: this.#url(`blobs/${layer.digest}`) };
  }

  async #versions(): Promise<string[]> {
    const versions: string[] = [];
    let url: URL | undefined = this.#url('tags/list');
    url.searchParams.set('n', '1000');
    for (let page = 0; url !== undefined && page < maxPages; page++) {
      const answer: SourceAnswer = await this.#get(url, maxJsonBytes);
      if (answer.status === 404) {
        throw new ChartSourceError('NotFound', `the registry ${this.#o.registry.host} has no chart "${this.#o.path}"`);
      }
      if (answer.status !== 200) throw this.#error(url, answer);
      const { tags } = json<{ tags?: string[] | null }>(answer, url);
      versions.push(...(tags ?? []).map((tag) => tag.replaceAll('_', '+')));
      const next: string | undefined = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers['link'] ?? '')?.[1];
      const following: URL | undefined = next !== undefined && URL.canParse(next, url.href) ? new URL(next, url) : undefined;
      url = following?.origin === url.origin ? following : undefined;
    }
    return versions;
  }

  #url(rest: string): URL {
    return new URL(`/v2/${this.#o.path.split('/').map(encodeURIComponent).join('/')}/${rest}`, this.#o.registry);
  }

  async #get(url: URL, limit: number, accept?: string): Promise<SourceAnswer> {
    const { client, signal } = this.#o;
    const first = await client.get({ url, accept, authorization: this.#authorization, limit, signal });
    if (first.status !== 401) return first;
    const authorization = await this.#authorize(first.headers['www-authenticate'] ?? '');
    if (authorization === undefined || authorization === this.#authorization) return first;
    this.#authorization = authorization;
    return client.get({ url, accept, authorization, limit, signal });
  }

  /** Answers a challenge; undefined when there is nothing to answer it with. */
  async #authorize(challenge: string): Promise<string | undefined> {
    const { client, credentials, registry, path, signal } = this.#o;
    const basic = basicAuthorization(credentials);
    if (!/^bearer /i.test(challenge)) return basic;
    const { realm = '', service } = parameters(challenge);
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    const allowed = registry.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
    if (url === undefined || !allowed.includes(url.protocol)) {
      throw new ChartSourceError('Invalid', `the registry ${registry.host} sends its clients to an odd place for tokens`);
    }
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', `repository:${path}:pull`);
    const answer = await client.get({ url, authorization: basic, limit: maxJsonBytes, signal });
    if (answer.status !== 200) throw this.#error(url, answer);
    const { token, access_token: accessToken } = json<{ token?: string; access_token?: string }>(answer, url);
    const given = token ?? accessToken;
    return given === undefined ? undefined : `Bearer ${given}`;
  }

  #error(url: URL, { status }: SourceAnswer): ChartSourceError {
    return statusError(url, status, basicAuthorization(this.#o.credentials) !== undefined);
  }
}

function json<T>({ body }: SourceAnswer, url: URL): T {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null) throw new TypeError('not an object');
    return value as T;
  } catch (cause) {
    throw new ChartSourceError('Invalid', `${plain(url)} does not answer as an OCI registry does`, { cause });
  }
}

function parameters(challenge: string): Record<string, string> {
  return Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name.toLowerCase(), value]),
  );
}
