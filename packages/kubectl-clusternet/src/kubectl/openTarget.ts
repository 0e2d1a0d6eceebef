// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { childKubeConfig, findCluster, isClusterId, KubeClient, rewriteForShadow } from '@clusternet/client';
import type { KubeConfig } from '@kubernetes/client-node';
import { type SplitArguments } from '../arguments.ts';
import { tellingOfNoHub } from '../missingApi.ts';
import { selectParent } from '../parent/selectParent.ts';
import { childLogin } from '../parent/childLogin.ts';
import { templateView, type View } from './templateView.ts';

/** Where kubectl's requests go. */
export interface Target {
  target: KubeConfig;
  rewrite?: (path: string) => string;
  view?: View;
  namespace: string;
}

/** The shadow API of the chosen parent, or the chosen child through it. */
export async function openTarget({ parent: flags, child }: SplitArguments): Promise<Target> {
  const { config, namespace } = await selectParent(flags);
  if (child.cluster === undefined) {
    return { target: config, namespace, rewrite: (path) => rewriteForShadow(path), view: templateView() };
  }
  const clusterId = isClusterId(child.cluster) ? child.cluster : await idOf(config, child.cluster);
  const login = await childLogin(child, flags);
  const target = childKubeConfig(login.wrap(config), clusterId, login.credentials);
  return { target, namespace: login.namespace ?? 'default' };
}

async function idOf(parent: KubeConfig, name: string): Promise<string> {
  await using client = await KubeClient.fromClientNode(parent);
  const { spec } = await tellingOfNoHub(client, () => findCluster(client, name));
  return spec.clusterId;
}
