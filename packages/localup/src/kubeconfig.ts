// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { stringify } from 'yaml';
import { type KeyPairPem } from '@clusternet/pki';

/** What a kubeconfig says: one cluster, one user, one context, all of that name. */
export interface KubeconfigOptions {
  name: string;
  server: string;
  caPem: string;
  /** A client certificate, a file that holds a bearer token, or a bearer token itself. */
  user: { certificate: KeyPairPem } | { tokenFile: string } | { token: string };
  namespace?: string;
}

/** The YAML of a kubeconfig. */
export function kubeconfigYaml(options: KubeconfigOptions): string {
  const { name, server, caPem, user, namespace } = options;
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(caPem) } }],
      users: [{ name, user: userFields(user) }],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

function userFields(user: KubeconfigOptions['user']): Record<string, string> {
  if ('certificate' in user) {
    return { 'client-certificate-data': base64(user.certificate.cert), 'client-key-data': base64(user.certificate.key) };
  }
  return user;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
