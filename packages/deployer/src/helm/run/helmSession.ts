// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaSource } from '@clusternet/client';
import { ApiBridge, type OpenStream } from './apiBridge.ts';
import { type HelmPool, type HelmResult } from './helmPool.ts';

/** How helm reaches one child, and as whom. */
export interface HelmAccess {
  /** Address of the child's API server. */
  server: string;
  /** Asked for with every call where it is a function. */
  caPem?: CaSource;
  tlsServerName?: string;
  /** The token of the deployer of this child, asked for with every call where it is a function. */
  token?: string | (() => string | Promise<string>);
  /** A client certificate and its key, PEM, where there is no token. */
  certPem?: string;
  keyPem?: string;
  /** Streams to the API server; TCP when absent. */
  open?: OpenStream;
  qps?: number;
  burst?: number;
}

/** Nobody listens there: what a chart makes helm fetch, it does not get. */
const nowhere = 'http://127.0.0.1:1';

/**
 * Runs one helm command against a child when it is its turn, with the identity of its deployer and nothing of the service's own: an environment, a home and a
 * kubeconfig (readable by the service only) that live as long as the call, and no way to any other place. Secrets are in files, never in
 * arguments.
 *
 * @param values - values of the release as JSON; the file is passed with `--values`
 * @throws what {@link HelmPool.run} throws
 */
export async function runHelm(o: {
  pool: Pick<HelmPool, 'inTurn' | 'run'>;
  access: HelmAccess;
  args: string[];
  values?: string;
  timeoutMs: number;
  signal: AbortSignal;
}): Promise<HelmResult> {
  return o.pool.inTurn(o.signal, () => runNow(o));
}

async function runNow(o: Parameters<typeof runHelm>[0]): Promise<HelmResult> {
  const { pool, access, args, values, timeoutMs, signal } = o;
  const home = await mkdtemp(join(tmpdir(), `clusternet-helm-${process.pid}-`));
  try {
    await using bridge = await ApiBridge.start({ server: new URL(access.server), open: access.open, signal });
    const file = (name: string): string => join(home, name);
    await mkdir(file('plugins'));
    const token = typeof access.token === 'function' ? await access.token() : access.token;
    if (token !== undefined) await writeFile(file('token'), token, { mode: 0o600 });
    const tokenFile = token === undefined ? undefined : file('token');
    await writeFile(file('kubeconfig'), kubeconfigOf({ access, proxy: bridge.url, tokenFile }), { mode: 0o600 });
    if (values !== undefined) await writeFile(file('values.json'), values, { mode: 0o600 });
    const limits = [
      ...(access.qps === undefined ? [] : [`--qps=${access.qps}`]),
      ...(access.burst === undefined ? [] : [`--burst-limit=${Math.max(1, Math.round(access.burst))}`]),
    ];
    const given = values === undefined ? [] : ['--values', file('values.json')];
    return await pool.run({
      args: [...args, ...given, '--kubeconfig', file('kubeconfig'), ...limits],
      cwd: home,
      env: {
        HOME: home,
        TMPDIR: home,
        HELM_CACHE_HOME: file('cache'),
        HELM_CONFIG_HOME: file('config'),
        HELM_DATA_HOME: file('data'),
        HELM_PLUGINS: file('plugins'),
        HELM_DRIVER: 'secret',
        HTTP_PROXY: nowhere,
        HTTPS_PROXY: nowhere,
        ALL_PROXY: nowhere,
      },
      timeoutMs,
      signal,
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** JSON is YAML. */
function kubeconfigOf(o: { access: HelmAccess; proxy: string; tokenFile: string | undefined }): string {
  const { server, tlsServerName, certPem, keyPem } = o.access;
  const caPem = typeof o.access.caPem === 'function' ? o.access.caPem() : o.access.caPem;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const user =
    o.tokenFile === undefined && certPem !== undefined && keyPem !== undefined
      ? { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) }
      : { tokenFile: o.tokenFile };
  const cluster = {
    server,
    'proxy-url': o.proxy,
    ...(caPem === undefined ? {} : { 'certificate-authority-data': Buffer.from(caPem).toString('base64') }),
    ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'child', cluster }],
    users: [{ name: 'deployer', user }],
    contexts: [{ name: 'child', context: { cluster: 'child', user: 'deployer' } }],
    'current-context': 'child',
  });
}
