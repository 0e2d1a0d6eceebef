// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type RequestOptions } from 'node:https';
import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { type Credentials, type CredentialSource } from './credentials.ts';

/** How long what files and plugins gave is used before they are asked again, in milliseconds. */
const tokenFileTtlMs = 60_000;
const pluginTtlMs = 5_000;
const fileCheckMs = 10_000;
const minForceMs = 1_000;

/** A kubeconfig read from disk, and the files it was read from. */
export interface LoadedKubeConfig {
  config: KubeConfig;
  files: string[];
}

/**
 * Credentials of a kubeconfig's current context. client-node's KubeConfig does the work (exec plugins, auth providers,
 * token and certificate files); this decides when to ask it again:
 * certificate files and the kubeconfig itself when their files change, token files once a minute, everything after a 401.
 */
export class KubeConfigCredentials implements CredentialSource {
  readonly #load: () => Promise<LoadedKubeConfig>;
  readonly #now: () => number;
  #loaded: LoadedKubeConfig | undefined;
  #stamp = '';
  #credentials: Credentials | undefined;
  #freshUntil = 0;
  #checkFilesAt = 0;
  #forcedAt = -Infinity;
  #reading: Promise<Credentials> | undefined;

  /** `load` reads the kubeconfig; it is called again when its files change. `now` gives milliseconds. */
  constructor(o: { load: () => Promise<LoadedKubeConfig>; now?: () => number }) {
    this.#load = o.load;
    this.#now = o.now ?? Date.now;
  }

  current(): Credentials | Promise<Credentials> {
    const now = this.#now();
    if (this.#credentials && now < this.#freshUntil && now < this.#checkFilesAt) return this.#credentials;
    return this.#read(false);
  }

  async refresh(rejected: Credentials): Promise<boolean> {
    // Another request that was refused at the same time may have done it already, or be doing it.
    while (this.#reading) await this.#reading.catch(() => undefined);
    if (this.#credentials && this.#credentials !== rejected) return true;
    // A server that refuses everything must not make every request run an exec plugin.
    if (this.#now() < this.#forcedAt + minForceMs) return false;
    return (await this.#read(true)) !== rejected;
  }

  /** One read at a time, shared by all that wait for it. */
  #read(force: boolean): Promise<Credentials> {
    this.#reading ??= this.#readOnce(force).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(force: boolean): Promise<Credentials> {
    const now = this.#now();
    if (force) this.#forcedAt = now;
    try {
      const stamp = this.#loaded ? await stampOf(this.#files(this.#loaded)) : '';
      const changed = stamp !== this.#stamp;
      // client-node remembers a token file for a minute of its own; only a new KubeConfig reads it for sure.
      const due = now >= this.#freshUntil;
      if (!this.#loaded || changed || force || (due && tokenFileOf(this.#loaded.config))) {
        this.#loaded = await this.#load();
        this.#stamp = await stampOf(this.#files(this.#loaded));
      }
      if (force || changed || due || !this.#credentials) {
        this.#credentials = keepIdentity(this.#credentials, await resolveCredentials(this.#loaded.config));
        this.#freshUntil = now + ttlOf(this.#loaded.config);
      }
    } catch (error) {
      // A file that is being replaced right now: go on with what is known, look again soon.
      if (!this.#credentials) throw error;
      this.#freshUntil = now + 1_000;
    }
    this.#checkFilesAt = now + fileCheckMs;
    return this.#credentials;
  }

  #files({ config, files }: LoadedKubeConfig): string[] {
    const user = config.getCurrentUser();
    return [...files, config.getCurrentCluster()?.caFile, user?.certFile, user?.keyFile].filter((f) => f !== undefined);
  }
}

/** Asks KubeConfig for the credential it would put on a request made now. */
async function resolveCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions & { servername?: string } = {};
  await config.applyToHTTPSOptions(options);
  const cluster = config.getCurrentCluster();
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries((options.headers ?? {}) as Record<string, string>)) {
    headers[name.toLowerCase()] = value.trim();
  }
  checkCaFile(cluster?.caFile, options.ca);
  if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return {
    headers,
    tls: {
      caPem: pemText(options.ca),
      certPem: pemText(options.cert),
      keyPem: pemText(options.key),
      serverName: options.servername,
      insecureSkipTlsVerify: cluster?.skipTLSVerify ?? false,
      proxyUrl: cluster?.proxyUrl,
    },
  };
}

/** A file that is being written is empty for a moment, and TLS would then trust the CAs of the system instead. */
function checkCaFile(file: string | undefined, content: unknown): void {
  if (file === undefined) return;
  try {
    new X509Certificate(pemText(content) ?? '');
  } catch (cause) {
    throw new Error(`the CA file ${file} holds no certificate in PEM`, { cause });
  }
}

function pemText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return Buffer.isBuffer(value) ? value.toString('utf8') : (value as string);
}

/** Keeps the old objects where nothing changed, so that the connections made with them stay in use. */
function keepIdentity(old: Credentials | undefined, fresh: Credentials): Credentials {
  if (!old) return fresh;
  const tls = sameValues(old.tls, fresh.tls) ? old.tls : fresh.tls;
  return tls === old.tls && sameValues(old.headers, fresh.headers) ? old : { tls, headers: fresh.headers };
}

function sameValues<T extends object>(a: T, b: T): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof T & string>;
  return [...keys].every((key) => a[key] === b[key]);
}

function ttlOf(config: KubeConfig): number {
  const user = config.getCurrentUser();
  return !tokenFileOf(config) && (user?.exec || user?.authProvider) ? pluginTtlMs : tokenFileTtlMs;
}

function tokenFileOf(config: KubeConfig): string | undefined {
  return (config.getCurrentUser()?.authProvider as { config?: { tokenFile?: string } } | undefined)?.config?.tokenFile;
}

/** Changes whenever one of the files is written or replaced (mounted Secrets are replaced by switching a link). */
async function stampOf(files: string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (s) => `${s.ino}:${s.mtimeMs}:${s.size}`,
        () => 'missing',
      ),
    ),
  );
  return stamps.join(' ');
}
