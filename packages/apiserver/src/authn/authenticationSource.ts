// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Clock, Informer, type Logger, systemClock, toError } from '@clusternet/runtime';
import {
  type AuthenticationConfig,
  authenticationConfig,
  authenticationConfigMap,
  type AuthenticationSources,
  type RequestHeaderNames,
} from './authenticationConfig.ts';

/** Options of {@link AuthenticationSource}. */
export interface AuthenticationSourceOptions {
  client: KubeClient;
  logger: Logger;
  /** Do not read the ConfigMap; what flags say is all there is. */
  skipLookup: boolean;
  /** Be ready without the ConfigMap. */
  tolerateLookupFailure: boolean;
  requestHeaderCaFile?: string;
  requestHeaderNames: RequestHeaderNames;
  clientCaFile?: string;
  clock?: Clock;
}

const lookMs = 10_000;
const nothing: AuthenticationConfig = { requestHeader: undefined, clientRoots: [], caPems: [] };

/** Keeps the {@link AuthenticationConfig} current: the ConfigMap by a watch, files by looking at them. */
export class AuthenticationSource {
  readonly #options: AuthenticationSourceOptions;
  readonly #clock: Clock;
  readonly #informer: Informer<ConfigMap> | undefined;
  #files: Pick<AuthenticationSources, 'requestHeaderCa' | 'clientCa'> = { requestHeaderCa: undefined, clientCa: undefined };
  #sources = '';
  #current = nothing;
  #onChange: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(options: AuthenticationSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    if (options.skipLookup) return;
    const { namespace, name } = authenticationConfigMap;
    const { client, logger } = options;
    this.#informer = new Informer<ConfigMap>({
      client,
      resource: core.configMaps,
      namespace,
      // The right to read this one object is all that the role for it grants.
      fieldSelector: `metadata.name=${name}`,
      logger,
    });
    this.#informer.onChange(() => this.#update());
  }

  /** What holds now. Nobody is vouched for until something is known. */
  get current(): AuthenticationConfig {
    return this.#current;
  }

  /** A readiness problem, or undefined. */
  problem(): string | undefined {
    if (this.#options.skipLookup || this.#options.tolerateLookupFailure) return undefined;
    const { namespace, name } = authenticationConfigMap;
    if (!this.#informer?.synced) return `the ConfigMap ${namespace}/${name} could not be read yet`;
    return this.#current.requestHeader ? undefined : `the ConfigMap ${namespace}/${name} names no front proxy`;
  }

  /**
   * Begins to follow. Files are read before it resolves.
   *
   * @param onChange - called after each change of what holds
   * @throws an Error that names the file that cannot be read
   */
  async start(onChange: () => void): Promise<void> {
    await this.#readFiles();
    this.#update();
    this.#onChange = onChange;
    this.#informer?.start();
    this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#informer?.close();
  }

  #look(): void {
    const { requestHeaderCaFile, clientCaFile } = this.#options;
    if (this.#closed || (requestHeaderCaFile === undefined && clientCaFile === undefined)) return;
    this.#cancelTimer = this.#clock.setTimer(() => {
      this.#readFiles()
        .then(() => this.#update())
        .catch((error: unknown) => {
          this.#options.logger.warn('cannot read a CA file again; keeping what is known', { error: toError(error) });
        })
        .finally(() => this.#look());
    }, lookMs);
  }

  async #readFiles(): Promise<void> {
    const { requestHeaderCaFile, clientCaFile } = this.#options;
    const [requestHeaderCa, clientCa] = await Promise.all([readPem(requestHeaderCaFile), readPem(clientCaFile)]);
    this.#files = { requestHeaderCa, clientCa };
  }

  #update(): void {
    if (this.#closed) return;
    const [configMap] = this.#informer?.list() ?? [];
    const { requestHeaderNames, logger } = this.#options;
    const sources = { configMap: configMap?.data, requestHeaderNames, ...this.#files };
    const text = JSON.stringify(sources);
    if (text === this.#sources) return;
    try {
      this.#current = authenticationConfig(sources);
    } catch (error) {
      logger.error('the authentication configuration does not parse; keeping the one before', { error: toError(error) });
      return;
    }
    this.#sources = text;
    this.#onChange?.();
  }
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${file}`, { cause });
  }
}

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}
