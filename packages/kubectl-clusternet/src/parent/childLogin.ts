// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type RequestOptions } from 'node:https';
import { type ChildCredentials, type HeaderValues, withHeaders } from '@clusternet/client';
import type { KubeConfig } from '@kubernetes/client-node';
import { type ChildFlags, type ParentFlags } from '../arguments.ts';
import { CliError } from '../errors.ts';
import { selectParent } from './selectParent.ts';

/** As whom to act in a child. */
export interface ChildLogin {
  credentials: ChildCredentials;
  /** Namespace of the child kubeconfig's context. */
  namespace?: string;
  /** Puts on the parent's config what only impersonation can carry. */
  wrap(parent: KubeConfig): KubeConfig;
}

/**
 * The credential of the child's kubeconfig, whatever kind it is: token, file, certificate or plugin. Without a kubeconfig nothing: the child
 * is then visited as oneself.
 *
 * @throws CliError for a kubeconfig without a credential, or whose credential cannot be passed on
 */
export async function childLogin(child: ChildFlags, parentFlags: ParentFlags): Promise<ChildLogin> {
  const impersonated = child.as !== undefined || child.asUid !== undefined || child.asGroups.length > 0;
  if (child.kubeconfig === undefined) {
    if (child.context !== undefined) throw new CliError('--child-context chooses in a kubeconfig: give --child-kubeconfig too');
    if (impersonated) {
      throw new CliError('--clusternet-as* needs a credential of the child that may impersonate: give --child-kubeconfig too');
    }
    return { credentials: {}, wrap: (parent) => parent };
  }
  const { config, namespace } = await selectParent({
    kubeconfig: child.kubeconfig,
    context: child.context,
    asGroups: [],
    asUserExtra: [],
  });
  const credentials = await credentialsIn(config, child.kubeconfig);
  if (!impersonated) return { credentials, namespace, wrap: (parent) => parent };
  if (child.as === undefined) throw new CliError('--clusternet-as-uid and --clusternet-as-group need --clusternet-as');
  if (parentFlags.as !== undefined) throw new CliError('--as and --clusternet-as cannot be combined');
  const headers = impersonationInChild(child, credentials);
  return { credentials: {}, namespace, wrap: (parent) => withHeaders(parent, headers) };
}

async function credentialsIn(config: KubeConfig, file: string): Promise<ChildCredentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const authorization = (options.headers as Record<string, string> | undefined)?.['Authorization'];
  const token = authorization === undefined ? undefined : /^Bearer\s+(\S+)/i.exec(authorization)?.[1];
  const [certPem, keyPem] = [pemOf(options.cert), pemOf(options.key)];
  if (options.auth) {
    throw new CliError(
      `${file} logs in by name and password, which cannot be passed on to a child: use a token or a certificate`,
    );
  }
  if (options.headers && 'impersonate-user' in options.headers) {
    throw new CliError(`${file} impersonates a user: take "as" out of it and give --clusternet-as`);
  }
  if (token === undefined && certPem === undefined) {
    throw new CliError(
      `${file} holds no token and no client certificate; leave --child-kubeconfig out to visit the child as yourself`,
    );
  }
  return { token, certPem, keyPem };
}

/** Who is acted as in the child, in the form that existing hubs know: extras of the shared user `clusternet`. */
function impersonationInChild({ as, asUid, asGroups }: ChildFlags, { token, certPem, keyPem }: ChildCredentials): HeaderValues {
  const extra = (name: string, value: string | string[] | undefined): HeaderValues =>
    value === undefined || value.length === 0 ? {} : { [`impersonate-extra-clusternet-${name}`]: value };
  return {
    'impersonate-user': 'clusternet',
    ...extra('token', token),
    ...extra('certificate', certPem && Buffer.from(certPem).toString('base64')),
    ...extra('privatekey', keyPem && Buffer.from(keyPem).toString('base64')),
    ...extra('impersonate-user', as),
    ...extra('impersonate-uid', asUid),
    ...extra('impersonate-group', asGroups),
  };
}

function pemOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return Buffer.isBuffer(value) ? value.toString('utf8') : (value as string);
}
