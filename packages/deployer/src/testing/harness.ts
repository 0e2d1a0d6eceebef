// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { apiVersionOf, type Description, type Feed, finalizers, type KubeObject, resources } from '@clusternet/api-types';
import { Informer, silentLogger } from '@clusternet/runtime';
import { ClusterDeployer, type ClusterDeployerOptions } from '../clusterDeployer.ts';
import { FakeApi } from './fakeApi.ts';

export const dedicated = 'clusternet-abcde';

/** A deployer between two fakes. */
export class Harness implements AsyncDisposable {
  readonly parent = new FakeApi();
  readonly child = new FakeApi();
  readonly events: string[] = [];
  #deployer: ClusterDeployer | undefined;
  #informer: Informer<Description> | undefined;

  /** Starts a deployer, or another one after {@link stop}. */
  start(options: Partial<ClusterDeployerOptions> = {}): void {
    const client = this.parent.client;
    this.#informer = new Informer<Description>({ client, resource: resources.descriptions, logger: silentLogger });
    this.#informer.start();
    this.#deployer = new ClusterDeployer({
      child: this.child.client,
      parent: client,
      namespace: dedicated,
      clusterName: 'edge',
      descriptions: this.#informer,
      recorder: { event: (_object: KubeObject, e: { reason: string }) => this.events.push(e.reason) } as never,
      logger: silentLogger,
      // The shortest back-off that jitter allows: tests wait for real.
      random: () => 0,
      ...options,
    });
    this.#deployer.start();
  }

  async stop(): Promise<void> {
    await this.#deployer?.close();
    await this.#informer?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Creates or updates a Description. */
  describe(name: string, objects: KubeObject[], spec: { removed?: Feed[] } = {}): Description {
    const live = this.parent.peek(resources.descriptions, name, dedicated);
    return this.parent.put(resources.descriptions, {
      apiVersion: apiVersionOf(resources.descriptions),
      kind: 'Description',
      metadata: { ...live?.metadata, name, namespace: dedicated, finalizers: [finalizers.default] },
      spec: {
        deployer: 'Generic',
        raw: objects.map((object) => Buffer.from(JSON.stringify(object)).toString('base64')),
        ...spec,
      },
      status: live?.['status'],
    }) as Description;
  }

  description(name: string): Description | undefined {
    return this.parent.peek(resources.descriptions, name, dedicated) as Description | undefined;
  }

  /** Deletes a Description, as its Base would. */
  delete(name: string): void {
    this.parent.drop(resources.descriptions, name, dedicated);
  }
}

/** Resolves once `check` gives a value; throws its last error after `seconds`. */
export async function eventually<T>(check: () => T, seconds = 10): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    let problem: unknown = new Error('the condition did not come true');
    try {
      const value = check();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > end) throw problem;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Lets everything that is under way come to rest. */
export function settle(ms = 150): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const namespaceObject = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

export const configMap = (namespace: string, name: string, data: Record<string, string> = { a: '1' }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
