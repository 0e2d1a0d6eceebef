// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { readChildKubeconfig } from './childKubeconfig.ts';

const pem = (kind: string): string => Buffer.from(`-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`).toString('base64');
const cluster = { server: 'https://10.0.0.1:6443', 'certificate-authority-data': pem('CERTIFICATE') };
const user = { 'client-certificate-data': pem('CERTIFICATE'), 'client-key-data': pem('RSA PRIVATE KEY') };

/** As Cluster API writes them. */
function kubeconfig(o: { cluster?: object; user?: object; rest?: object } = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'eu', cluster: { ...cluster, ...o.cluster } }],
    contexts: [{ name: 'eu-admin@eu', context: { cluster: 'eu', user: 'eu-admin' } }],
    'current-context': 'eu-admin@eu',
    preferences: {},
    users: [{ name: 'eu-admin', user: o.user ?? user }],
    ...o.rest,
  });
}

describe('readChildKubeconfig', () => {
  it('reads what Cluster API writes', () => {
    expect(readChildKubeconfig(kubeconfig())).toEqual({
      server: 'https://10.0.0.1:6443',
      caPem: expect.stringContaining('BEGIN CERTIFICATE'),
      certPem: expect.stringContaining('BEGIN CERTIFICATE'),
      keyPem: expect.stringContaining('BEGIN RSA PRIVATE KEY'),
    });
    expect(readChildKubeconfig(kubeconfig({ user: { token: 't' }, cluster: { 'tls-server-name': 'eu' } }))).toMatchObject({
      token: 't',
      tlsServerName: 'eu',
    });
  });

  it.each<[string, string, RegExp]>([
    ['no YAML', 'a: [', /not YAML/],
    ['nothing', '', /not a kubeconfig/],
    ['no current context', kubeconfig({ rest: { 'current-context': 'other' } }), /names nothing in contexts/],
    ['no such user', kubeconfig({ rest: { users: [] } }), /names nothing in users/],
    ['no credential', kubeconfig({ user: {} }), /neither a token nor a certificate/],
    ['a certificate without its key', kubeconfig({ user: { ...user, 'client-key-data': undefined } }), /neither/],
    ['a server without TLS', kubeconfig({ cluster: { server: 'http://10.0.0.1' } }), /https/],
    ['no server', kubeconfig({ cluster: { server: 7 } }), /https/],
    ['a CA that is none', kubeconfig({ cluster: { 'certificate-authority-data': 'AAAA' } }), /not PEM/],
    ['a program to run', kubeconfig({ user: { exec: { command: 'sh' } } }), /uses exec/],
    ['an auth provider', kubeconfig({ user: { 'auth-provider': { name: 'gcp' } } }), /uses auth-provider/],
    ['a file of the hub', kubeconfig({ user: { tokenFile: '/var/run/secrets/token' } }), /uses tokenFile/],
    ['a CA file of the hub', kubeconfig({ cluster: { 'certificate-authority': '/etc/passwd' } }), /uses certificate-authority/],
    ['a proxy', kubeconfig({ cluster: { 'proxy-url': 'http://10.0.0.9' } }), /uses proxy-url/],
    ['unverified TLS', kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }), /uses insecure-skip-tls-verify/],
  ])('refuses %s, and says so without quoting it', (_, text, message) => {
    expect(() => readChildKubeconfig(text)).toThrow(message);
    expect(() => readChildKubeconfig(text)).not.toThrow(/AAAA|passwd|10\.0\.0\.9/);
  });
});
