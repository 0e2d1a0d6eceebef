// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, resources } from '@clusternet/api-types';
import { isForbidden, type KubeClient } from '@clusternet/client';
import { CliError, notServed } from './errors.ts';

/**
 * @throws CliError with what is missing where the parent serves no templates: the hub itself, or its gate, which is off unless asked for
 */
export async function failForTemplates(client: KubeClient, exitCode: number): Promise<never> {
  await checkHub(client, exitCode || 1);
  throw new CliError(
    `${client.server} serves no templates: the hub has to be installed with featureGates.ShadowAPI=true (see "kubectl clusternet doctor")`,
    { exitCode: exitCode || 1 },
  );
}

/** @throws CliError when there is no hub at all; what else is wrong will show */
export async function checkHub(client: KubeClient, exitCode = 1): Promise<void> {
  const { group } = resources.clusterRegistrationRequests;
  const { status, headers } = await client.answer({ method: 'GET', path: `/apis/${group}` });
  if (isMissingApi({ statusCode: status, headers })) throw new CliError(notServed(client.server, group), { exitCode });
}

/** Who may not ask for a kind is told so also where it is not served at all: of the two, the latter is what to know. */
export async function tellingOfNoHub<T>(client: KubeClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isForbidden(error)) await checkHub(client);
    throw error;
  }
}

/** Whether an API server that does not know the API at all answers like this; of one that it knows, the answer is a Status. */
export function isMissingApi({ statusCode, headers }: { statusCode?: number; headers: { 'content-type'?: string } }): boolean {
  return statusCode === 404 && !/json/.test(headers['content-type'] ?? '');
}

/** @throws CliError when the parent leads into no child: no hub, or its gate off, as it is unless asked for; what else is wrong will show */
export async function checkTunnels(client: KubeClient): Promise<void> {
  const { status, headers } = await client.answer({ method: 'GET', path: `/apis/${apiVersionOf(resources.sockets)}` });
  if (!isMissingApi({ statusCode: status, headers })) return;
  await checkHub(client);
  throw new CliError(
    `${client.server} leads into no child: the hub has to be installed with featureGates.SocketConnection=true, and so has the agent of the child (see "kubectl clusternet doctor")`,
  );
}
