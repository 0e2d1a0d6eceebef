// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';

/**
 * Makes kube-apiserver verify our serving certificate: puts the bundle into the APIService where it differs, and ends skipping the
 * verification.
 *
 * @returns whether it was there already; false also when there is no such APIService
 */
export async function ensureBundle(client: Pick<KubeClient, 'resource'>, name: string, bundle: string): Promise<boolean> {
  const services = client.resource<ApiService>(core.apiServices);
  const found = await services.find({ name });
  if (!found) return false;
  const caBundle = Buffer.from(bundle).toString('base64');
  if (found.spec?.caBundle === caBundle && !found.spec.insecureSkipTLSVerify) return true;
  await services.patch({ name }, { spec: { caBundle, insecureSkipTLSVerify: false } }, { type: 'merge' });
  return false;
}

interface ApiService extends KubeObject {
  spec?: { caBundle?: string; insecureSkipTLSVerify?: boolean };
}
