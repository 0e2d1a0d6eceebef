// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterRegistrationRequest, resources } from '@clusternet/api-types';
import { CliError, describeError } from '../errors.ts';
import { age } from '../output/age.ts';
import { table } from '../output/table.ts';
import { type Session } from './session.ts';

/** Options of {@link judge}. */
export interface JudgeOptions {
  verdict: 'approve' | 'deny';
  /** Names of requests, cluster ids or cluster names. */
  requests: string[];
}

const results = { approve: 'Approved', deny: 'Denied' } as const;

/** Approves or denies registration requests; without any named, lists those that wait. */
export async function judge(session: Session, { verdict, requests }: JudgeOptions): Promise<number> {
  const { client, output } = session;
  const resource = client.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests);
  const { items } = await resource.list();
  if (requests.length === 0) return listWaiting(session, items, verdict);
  const result = results[verdict];
  let failed = 0;
  for (const wanted of requests) {
    try {
      const { metadata, status } = theOne(items, wanted);
      const name = metadata.name ?? '';
      const full = `clusterregistrationrequest.clusters.clusternet.io/${name}`;
      if (status?.result === result) {
        output.write(`${full} is ${result.toLowerCase()} already\n`);
        continue;
      }
      await resource.patch(
        { name },
        { status: { result } },
        { type: 'merge', subresource: 'status', fieldManager: 'kubectl-clusternet' },
      );
      output.write(`${full} ${result.toLowerCase()}\n`);
      if (verdict === 'deny' && status?.result === 'Approved') {
        output.note('warning: this cluster has joined already; to take it out, delete the request');
      }
    } catch (error) {
      failed += 1;
      output.note(describeError(error));
    }
  }
  return failed > 0 ? 1 : 0;
}

/** A request without a verdict, or that failed and waits for somebody to look at it. */
export function isWaiting({ status }: ClusterRegistrationRequest): boolean {
  return status?.result === undefined || status.result === 'Failed';
}

function theOne(items: ClusterRegistrationRequest[], wanted: string): ClusterRegistrationRequest {
  const found = items.filter(
    ({ metadata, spec }) => metadata.name === wanted || spec.clusterId === wanted || spec.clusterName === wanted,
  );
  const [request] = found;
  if (!request)
    throw new CliError(`there is no registration request "${wanted}"; "kubectl clusternet approve" lists those that wait`);
  if (found.length > 1) {
    throw new CliError(
      `${found.length} requests are for a cluster called "${wanted}": name ${found.map((r) => r.metadata.name).join(' or ')}`,
    );
  }
  return request;
}

function listWaiting({ output, now }: Session, items: ClusterRegistrationRequest[], verdict: string): number {
  const waiting = items.filter(isWaiting);
  if (waiting.length === 0) {
    output.note('No registration request waits.');
    return 0;
  }
  const rows = waiting.map(({ metadata, spec, status }) => [
    metadata.name ?? '',
    spec.clusterName ?? '',
    age(metadata.creationTimestamp, now()),
    status?.errorMessage ?? 'waits for approval',
  ]);
  output.write(table(['REQUEST', 'CLUSTER', 'AGE', 'WHY'], rows));
  output.note(`\nTo ${verdict} one: kubectl clusternet ${verdict} ${waiting[0]?.metadata.name}`);
  return 0;
}
