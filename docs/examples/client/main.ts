// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Writes a greeting as a template, watches it with an informer, and looks at it in a child that a Subscription brought it to.
 *
 *   KUBECONFIG=parent.yaml node main.ts GREETING [CHILD]
 */
import { core, openChild, wrapKubeConfig } from '@clusternet/client';
import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from '@kubernetes/client-node';

const [text = 'hello', childName] = process.argv.slice(2);
const namespace = 'greetings';
const name = 'greeting';

const parent = new KubeConfig();
parent.loadFromDefault();

// From here on, what client-node does concerns templates: nothing of it runs in the parent.
await using templates = wrapKubeConfig(parent);
const api = templates.makeApiClient(CoreV1Api);

const informer = makeInformer<V1ConfigMap>(templates, `/api/v1/namespaces/${namespace}/configmaps`, () =>
  api.listNamespacedConfigMap({ namespace }),
);
const seen = new Promise<string>((resolve, reject) => {
  const look = ({ metadata, data }: V1ConfigMap): void => {
    if (metadata?.name === name && data?.['text'] === text) resolve(data['text']);
  };
  informer.on('add', look);
  informer.on('update', look);
  informer.on('error', reject);
});
await informer.start();

await write({ metadata: { name, namespace }, data: { text } });
console.log(`template says: ${await seen}`);
await informer.stop();

if (childName !== undefined) {
  // The same login; the connection goes through the parent, so the child need not be reachable from here.
  await using child = await openChild({ parent, cluster: childName });
  const live = await child.client.resource<Greeting>(core.configMaps).find({ namespace, name });
  console.log(`${childName} says: ${live?.data?.['text'] ?? 'nothing yet'}`);
}

type Greeting = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
};

async function write(body: V1ConfigMap): Promise<void> {
  try {
    await api.createNamespacedConfigMap({ namespace, body });
  } catch (error) {
    if ((error as { code?: number }).code !== 409) throw error;
    await api.replaceNamespacedConfigMap({ namespace, name, body });
  }
}
