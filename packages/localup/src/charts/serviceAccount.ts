// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster } from '../cluster.ts';
import { kubeconfigYaml } from '../kubeconfig.ts';

const lifetimeSeconds = 3600;

/** The credentials of a ServiceAccount in files, kept fresh as the kubelet keeps them. */
export class ServiceAccountFiles {
  readonly tokenPath: string;
  readonly kubeconfigPath: string;
  readonly #options: { cluster: Cluster; namespace: string; name: string };

  private constructor(options: { cluster: Cluster; namespace: string; name: string; folder: string }) {
    this.#options = options;
    this.tokenPath = join(options.folder, 'token');
    this.kubeconfigPath = join(options.folder, 'kubeconfig');
  }

  /** Writes token and kubeconfig into `folder`, and renews the token until the set of clusters ends. */
  static async create(options: {
    cluster: Cluster;
    namespace: string;
    name: string;
    folder: string;
  }): Promise<ServiceAccountFiles> {
    const files = new ServiceAccountFiles(options);
    const { cluster, namespace } = options;
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await files.renew();
    const yaml = kubeconfigYaml({
      name: cluster.name,
      server: cluster.server,
      caPem: cluster.caPem,
      user: { tokenFile: files.tokenPath },
      namespace,
    });
    await writeFile(files.kubeconfigPath, yaml, { mode: 0o600 });
    files.#schedule(lifetimeSeconds * 0.6);
    return files;
  }

  /** Asks for a new token and puts it in the place of the old one. */
  async renew(): Promise<void> {
    const { cluster, namespace, name } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: lifetimeSeconds },
    };
    const { status } = await cluster.api.request<{ status: { token: string } }>('POST', path, body);
    await writeFile(`${this.tokenPath}.new`, status.token, { mode: 0o600 });
    await rename(`${this.tokenPath}.new`, this.tokenPath);
  }

  #schedule(seconds: number): void {
    const timer = setTimeout(() => {
      // An API server that is down for a while is a test's everyday; the old token holds for long enough.
      void this.renew().then(
        () => this.#schedule(lifetimeSeconds * 0.6),
        () => {
          if (!this.#options.cluster.supervisor.ended) this.#schedule(20);
        },
      );
    }, seconds * 1000);
    timer.unref();
  }
}
