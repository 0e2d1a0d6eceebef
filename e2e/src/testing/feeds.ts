// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { feedOf, resources, type Feed, type KubeObject, type Subscription } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';

const plurals: Record<string, string> = {
  ConfigMap: 'configmaps',
  CustomResourceDefinition: 'customresourcedefinitions',
  Deployment: 'deployments',
  Namespace: 'namespaces',
  Service: 'services',
};

function manifestRef(object: KubeObject): { name: string; namespace: string } {
  const plural = plurals[object.kind] ?? `${object.kind.toLowerCase()}s`;
  const parts = [plural, object.metadata.namespace, object.metadata.name];
  return { name: parts.filter((part) => part !== undefined).join('.'), namespace: 'clusternet-reserved' };
}

export function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export function configMap(ns: string, name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: ns }, data };
}

export function deployment(ns: string, name: string, replicas: number): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: ns },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name, image: 'nginx:1.29' }] } },
    },
  };
}

/** Writes objects as feeds and Subscriptions, as a user of the parent does. */
export class Publisher {
  readonly #parent: KubeClient;

  constructor(parent: KubeClient) {
    this.#parent = parent;
  }

  /** Creates or replaces the Manifests of the objects. */
  async feed(...objects: KubeObject[]): Promise<Feed[]> {
    await Promise.all(
      objects.map((template) =>
        this.#parent.resource(resources.manifests).apply(
          {
            apiVersion: 'apps.clusternet.io/v1alpha1',
            kind: 'Manifest',
            metadata: manifestRef(template),
            template,
          },
          { fieldManager: 'e2e', force: true },
        ),
      ),
    );
    return objects.map(feedOf);
  }

  async unfeed(...objects: KubeObject[]): Promise<void> {
    await Promise.all(objects.map((object) => this.#parent.resource(resources.manifests).delete(manifestRef(object))));
  }

  async subscribe(name: string, feeds: Feed[], clusterAffinity: object = {}): Promise<Subscription> {
    return await this.#parent.resource<Subscription>(resources.subscriptions).apply(
      {
        apiVersion: 'apps.clusternet.io/v1alpha1',
        kind: 'Subscription',
        metadata: { name, namespace: 'default' },
        spec: { subscribers: [{ clusterAffinity }], feeds },
      },
      { fieldManager: 'e2e', force: true },
    );
  }

  async subscription(name: string): Promise<Subscription> {
    return await this.#parent.resource<Subscription>(resources.subscriptions).get({ name, namespace: 'default' });
  }

  async unsubscribe(name: string): Promise<void> {
    await this.#parent.resource(resources.subscriptions).delete({ name, namespace: 'default' });
  }
}

/** Status, reason and message of one condition in one line, for assertions that read well. */
export function conditionLine(
  object: { status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] } },
  type: string,
): string {
  const condition = object.status?.conditions?.find((c) => c.type === type);
  return condition === undefined ? 'none' : `${condition.status} ${condition.reason}: ${condition.message}`;
}
