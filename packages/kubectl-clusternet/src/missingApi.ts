// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, resources } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { CliError } from './errors.ts';

/** The parent serves no templates: the gate of the hub is off, as it is unless asked for. */
export function noTemplates(server: string, exitCode = 1): CliError {
  return new CliError(
    `${server} serves no templates: the hub has to be installed with featureGates.ShadowAPI=true (see "kubectl clusternet doctor")`,
    { exitCode },
  );
}

/** Whether an API server that does not know the API at all answers like this; of one that it knows, the answer is a Status. */
export function isMissingApi({ statusCode, headers }: { statusCode?: number; headers: { 'content-type'?: string } }): boolean {
  return statusCode === 404 && !/json/.test(headers['content-type'] ?? '');
}

/** @throws CliError when the parent leads into no child, as the gate of the hub is off unless asked for; what else is wrong will show */
export async function checkTunnels(client: KubeClient): Promise<void> {
  const { status, headers } = await client.answer({ method: 'GET', path: `/apis/${apiVersionOf(resources.sockets)}` });
  if (!isMissingApi({ statusCode: status, headers })) return;
  throw new CliError(
    `${client.server} leads into no child: the hub has to be installed with featureGates.SocketConnection=true, and so has the agent of the child (see "kubectl clusternet doctor")`,
  );
}
