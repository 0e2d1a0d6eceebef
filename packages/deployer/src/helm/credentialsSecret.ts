// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { annotations, type HelmRelease, names } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type ChartCredentials } from './source/chartRef.ts';
import { ChartSourceError } from './source/chartSourceError.ts';

const longestKey = 253;

/** Key, in the Secret with the credentials of a cluster's charts, of those of the HelmChart `namespace/name`. */
export function chartCredentialsKey(chart: string): string {
  // No namespace holds a dot, so that none can be taken for another.
  const key = chart.replace('/', '.');
  return key.length <= longestKey ? key : createHash('sha256').update(key).digest('hex');
}

/**
 * Credentials for a release, out of the Secret that the hub keeps for the agent.
 *
 * @throws ChartSourceError when the release needs credentials that are not there, or that are for another repository
 */
export async function credentialsFromSecret(
  { parent, namespace }: { parent: Pick<KubeClient, 'resource'>; namespace: string },
  release: HelmRelease,
  signal?: AbortSignal,
): Promise<ChartCredentials | undefined> {
  if (!release.spec.chartPullSecret?.name) return undefined;
  const secret = await parent.resource(core.secrets).find({ name: names.chartCredentials, namespace }, { signal });
  const key = chartCredentialsKey(release.metadata.annotations?.[annotations.helmChart] ?? '');
  const encoded = (secret?.['data'] as Record<string, string> | undefined)?.[key];
  if (encoded === undefined) {
    throw new ChartSourceError(
      'Unauthorized',
      'the credentials of the repository are not here yet; the hub hands them over once it has them',
    );
  }
  const { repo, ...credentials } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as ChartCredentials & {
    repo: string;
  };
  if (repo !== release.spec.repo) {
    throw new ChartSourceError('Unauthorized', `the credentials are for ${repo}, and are not sent to another repository`);
  }
  return credentials;
}
