// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomInt } from 'node:crypto';
import { dnsSubdomain, type KubeObject, MAX_CLUSTER_NAME, parseClusterLabels } from '@clusternet/api-types';
import { core, isForbidden } from '@clusternet/client';
import { CliError, UsageError } from '../errors.ts';
import { checkHub } from '../missingApi.ts';
import { duration } from '../output/age.ts';
import { type Session } from './session.ts';

/** Options of {@link joinCommand}. */
export interface JoinOptions {
  /** Milliseconds for which the token may be used. */
  ttl: number;
  clusterName?: string;
  clusterLabels?: string;
  syncMode?: string;
  /** Address of the parent, as a child sees it. */
  parentUrl?: string;
  chart: string;
  output?: 'json' | 'yaml';
}

/** Group whose members may ask for the registration of a cluster. */
const registerGroup = 'system:bootstrappers:clusternet:register-cluster-token';
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes a bootstrap token and prints the helm command that uses it. */
export async function joinCommand(session: Session, o: JoinOptions): Promise<number> {
  const { client, output } = session;
  checkFlags(o);
  // A token for a cluster that nobody can join would only lie about.
  await checkHub(client);
  const parentURL = o.parentUrl ?? client.server;
  const token = `${word(6)}.${word(16)}`;
  const expiration = new Date(session.now() + o.ttl).toISOString().replace(/\.\d+Z$/, 'Z');
  try {
    await client.resource<KubeObject>(core.secrets).create(bootstrapSecret(token, expiration));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new CliError(
      'you may not make bootstrap tokens (create Secrets in kube-system): ask an administrator of the parent, or use a token of ServiceAccount cluster-bootstrap-use',
      { cause: error },
    );
  }
  const data = { parentURL, registrationToken: token, parentCA: client.caPem, expirationTimestamp: expiration };
  if (o.output === 'json') output.write(`${JSON.stringify(data, undefined, 2)}\n`);
  else if (o.output === 'yaml') output.write((await import('yaml')).stringify(data));
  else {
    output.write(`${helmCommand({ ...o, ...data })}\n`);
    output.note(`\nRun it with kubectl and helm pointing at the new child. The token can be used for ${duration(o.ttl)}.`);
  }
  if (o.parentUrl === undefined && isLoopback(parentURL)) {
    output.note(`warning: ${parentURL} is an address of this machine; give --parent-url if the child is elsewhere`);
  }
  return 0;
}

/** What helm or the agent would refuse, only when the token has been made. */
function checkFlags({ clusterName, clusterLabels = '' }: JoinOptions): void {
  if (clusterName !== undefined && (clusterName.length > MAX_CLUSTER_NAME || !dnsSubdomain.test(clusterName))) {
    throw new UsageError(
      `--cluster-name: "${clusterName}" is invalid: write at most ${MAX_CLUSTER_NAME} lower-case letters, digits, "-" and "."`,
    );
  }
  try {
    parseClusterLabels(clusterLabels);
  } catch (error) {
    throw new UsageError(`--cluster-labels: "${clusterLabels}" is invalid: ${(error as Error).message}`, { cause: error });
  }
}

function bootstrapSecret(token: string, expiration: string): KubeObject {
  const [id = '', secret = ''] = token.split('.');
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      description: 'Made by "kubectl clusternet join-command".',
      'token-id': id,
      'token-secret': secret,
      expiration,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': registerGroup,
    },
  };
  return object;
}

function helmCommand(o: JoinOptions & { parentURL: string; registrationToken: string; parentCA?: string }): string {
  const values: Record<string, string | undefined> = {
    parentURL: o.parentURL,
    registrationToken: o.registrationToken,
    clusterName: o.clusterName,
    clusterLabels: o.clusterLabels,
    syncMode: o.syncMode,
    parentCA: o.parentCA?.trim(),
  };
  const settings = Object.entries(values)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
    // helm splits at commas.
    .map(([key, value]) => `  --set-string ${quoted(`${key}=${value.replaceAll('\\', '\\\\').replaceAll(',', '\\,')}`)}`);
  return [`helm install clusternet-agent ${quoted(o.chart)} -n clusternet-system --create-namespace`, ...settings].join(' \\\n');
}

/** The text as one word of a POSIX shell; plain words stay as they are. */
function quoted(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function word(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

function isLoopback(url: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
