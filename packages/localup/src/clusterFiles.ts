// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CertificateAuthority, type KeyPairPem } from '@clusternet/pki';
import { stringify } from 'yaml';
import { kubeconfigYaml } from './kubeconfig.ts';

/** The credentials of one cluster that localup itself goes on using. */
export interface ClusterCredentials {
  caPem: string;
  admin: KeyPairPem;
  /** Certificates of the parts that talk to the API server, by the name of their kubeconfig. */
  components: Record<string, KeyPairPem>;
}

/** Makes the CAs, certificates and keys of a cluster and writes what its parts read into `folder`. */
export async function writeCredentials(folder: string, name: string): Promise<ClusterCredentials> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [ca, frontProxyCa] = await Promise.all([
    CertificateAuthority.create(`${name}-ca`),
    CertificateAuthority.create(`${name}-front-proxy-ca`),
  ]);
  const serviceAccount = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const serverNames = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const [apiServer, kwok, kubeletClient, frontProxyClient, admin, controllerManager, scheduler, kwokClient] = await Promise.all([
    ca.issue({ names: ['kube-apiserver'], hosts: ['127.0.0.1', 'localhost', '::1', ...serverNames] }),
    ca.issue({ names: ['kwok'], hosts: ['127.0.0.1', 'localhost'] }),
    ca.issue({ names: ['kube-apiserver-kubelet-client'], organizations: ['system:masters'] }),
    frontProxyCa.issue({ names: ['front-proxy-client'] }),
    ca.issue({ names: ['localup-admin'], organizations: ['system:masters'] }),
    ca.issue({ names: ['system:kube-controller-manager'] }),
    ca.issue({ names: ['system:kube-scheduler'] }),
    ca.issue({ names: ['kwok'], organizations: ['system:masters'] }),
  ]);
  const pairs = {
    ca,
    apiserver: apiServer,
    kwok,
    'kubelet-client': kubeletClient,
    'front-proxy-client': frontProxyClient,
  };
  const files: Record<string, string> = {
    'front-proxy-ca.crt': frontProxyCa.cert,
    'sa.pub': serviceAccount.publicKey,
    'sa.key': serviceAccount.privateKey,
  };
  for (const [file, pair] of Object.entries(pairs)) {
    files[`${file}.crt`] = pair.cert;
    files[`${file}.key`] = pair.key;
  }
  await writeAll(folder, files);
  return {
    caPem: ca.cert,
    admin,
    components: { 'controller-manager': controllerManager, scheduler, kwok: kwokClient },
  };
}

/** Writes what the parts of a cluster need beside credentials: kubeconfigs, audit policy, configurations. */
export async function writeConfigurations(
  folder: string,
  options: { name: string; server: string; credentials: ClusterCredentials; kubelet?: object[] },
): Promise<void> {
  const { name, server, credentials, kubelet = [] } = options;
  const files: Record<string, string> = {
    'audit-policy.yaml': stringify(auditPolicy),
    'kwok.yaml': [{ apiVersion: 'config.kwok.x-k8s.io/v1alpha1', kind: 'KwokConfiguration' }, ...kubelet]
      .map((document) => stringify(document))
      .join('---\n'),
    'scheduler.yaml': stringify({
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      parallelism: 2,
      leaderElection: { leaderElect: false },
      clientConnection: { kubeconfig: join(folder, 'scheduler.kubeconfig'), qps: 200, burst: 400 },
    }),
  };
  for (const [component, certificate] of Object.entries(credentials.components)) {
    files[`${component}.kubeconfig`] = kubeconfigYaml({ name, server, caPem: credentials.caPem, user: { certificate } });
  }
  await writeAll(folder, files);
}

/** One line per finished request, without bodies: enough to count who wrote what. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted', 'Panic'],
  omitManagedFields: true,
  rules: [{ level: 'Metadata' }],
};

async function writeAll(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
}
