// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type ClusterRegistrationRequest,
  type KubeObject,
  type ManagedCluster,
  names,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, isForbidden, isNotFound, type KubeClient, NoKindError } from '@clusternet/client';
import { age } from '../../output/age.ts';
import { conditionOf } from '../clusters.ts';
import { isWaiting } from '../judge.ts';

/** `fail` makes the command fail; `warn` is worth a look; `skip` could not be checked. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

/** What one check found. */
export interface Finding {
  check: string;
  verdict: Verdict;
  message: string;
  /** What to do. */
  mend?: string;
}

/** What checks look at. */
export interface Patient {
  client: KubeClient;
  systemNamespace: string;
  /** Milliseconds since 1970. */
  now: number;
}

type Check = (patient: Patient) => Promise<Finding[]>;

const services = [names.hub, names.scheduler, names.overrideEngine];
/** Clocks of two machines may differ by so much without harm. */
const clockSlackMs = 30_000;

interface WithConditions extends KubeObject {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number };
}

const kinds: Check = async ({ client }) => {
  const missing: string[] = [];
  const definitions = Object.values(resources).filter(
    ({ group }) => group.endsWith('apps.clusternet.io') || group.startsWith('clusters.'),
  );
  await Promise.all(
    definitions.map(async (definition) => {
      try {
        await client.mapper.resourceFor(apiVersionOf(definition), definition.kind);
      } catch (error) {
        if (!(error instanceof NoKindError)) throw error;
        missing.push(definition.kind);
      }
    }),
  );
  if (missing.length === 0) return [{ check: 'kinds', verdict: 'ok', message: `all ${definitions.length} kinds are served` }];
  return [
    {
      check: 'kinds',
      verdict: 'fail',
      message: `not served: ${missing.sort().join(', ')}`,
      mend: 'install the chart clusternet-hub, or upgrade it; is this the parent?',
    },
  ];
};

const leases: Check = async ({ client, systemNamespace, now }) =>
  Promise.all(
    services.map(async (service): Promise<Finding> => {
      const check = `service ${service}`;
      const lease = await client.resource<Lease>(core.leases).find({ namespace: systemNamespace, name: service });
      if (!lease) {
        const mend = `install its chart: helm install ${service} charts/${service} -n ${systemNamespace}; elsewhere? give --system-namespace`;
        return { check, verdict: 'fail', message: `has never run in ${systemNamespace} (no Lease)`, mend };
      }
      const { holderIdentity = '', renewTime, leaseDurationSeconds = 15 } = lease.spec ?? {};
      const since = age(renewTime, now);
      const isAlive =
        holderIdentity !== '' &&
        renewTime !== undefined &&
        now - Date.parse(renewTime) < leaseDurationSeconds * 1000 + clockSlackMs;
      if (isAlive) return { check, verdict: 'ok', message: `led by ${holderIdentity}` };
      const mend = `kubectl -n ${systemNamespace} get pods; kubectl -n ${systemNamespace} logs deploy/${service}`;
      return { check, verdict: 'fail', message: `has no leader; its Lease was renewed ${since} ago`, mend };
    }),
  );

const apiServices: Check = async ({ client }) =>
  Promise.all(
    [
      { name: `${resources.sockets.version}.${resources.sockets.group}`, what: 'access to children through the tunnel' },
      { name: 'v1alpha1.shadow', what: "kubectl's commands on templates" },
    ].map(async ({ name, what }): Promise<Finding> => {
      const check = `APIService ${name}`;
      const service = await client.resource<WithConditions>(core.apiServices).find({ name });
      if (!service)
        return { check, verdict: 'warn', message: `not installed: no ${what}`, mend: 'turn it on in the chart clusternet-hub' };
      const available = service.status?.conditions?.find(({ type }) => type === 'Available');
      if (available?.status === 'True') return { check, verdict: 'ok', message: 'available' };
      const message = `not available: ${available?.reason ?? 'unknown'}: ${available?.message ?? 'the API server has not looked at it yet'}`;
      return {
        check,
        verdict: 'fail',
        message,
        mend: 'can the API server reach the Service of the hub, and does its CA bundle fit?',
      };
    }),
  );

interface AccessReview extends KubeObject {
  status?: { allowed?: boolean };
}

const rights: Check = async ({ client }) => {
  const wanted = [
    { verb: 'list', group: resources.managedClusters.group, resource: 'managedclusters', what: 'see the clusters' },
    { verb: 'create', group: resources.subscriptions.group, resource: 'subscriptions', what: 'deploy applications' },
    {
      verb: 'get',
      group: resources.manifests.group,
      resource: 'manifests',
      namespace: names.reservedNamespace,
      what: 'deploy templates, which needs leave to read them',
    },
    { verb: 'get', group: resources.sockets.group, resource: 'sockets', subresource: 'proxy', what: 'visit children' },
  ];
  const lacking: string[] = [];
  await Promise.all(
    wanted.map(async ({ what, ...resourceAttributes }) => {
      const review = await client.request<AccessReview>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
      });
      const { verb, resource, subresource } = resourceAttributes;
      if (!review.status?.allowed) lacking.push(`${what} (${verb} ${resource}${subresource ? `/${subresource}` : ''})`);
    }),
  );
  if (lacking.length === 0) return [{ check: 'your rights', verdict: 'ok', message: 'you may see clusters, deploy and visit' }];
  return [
    {
      check: 'your rights',
      verdict: 'warn',
      message: `you may not ${lacking.sort().join(', nor ')}`,
      mend: 'ask for these rights if you need them; nothing else suffers',
    },
  ];
};

const clusters: Check = async ({ client, now }) => {
  const { items } = await client.resource<ManagedCluster>(resources.managedClusters).list();
  if (items.length === 0) {
    return [{ check: 'clusters', verdict: 'warn', message: 'none is registered', mend: 'kubectl clusternet join-command' }];
  }
  const bad = items.flatMap((cluster) => problemOf(cluster, now));
  return [{ check: 'clusters', verdict: 'ok', message: `${items.length - bad.length} of ${items.length} are ready` }, ...bad];
};

function problemOf(cluster: ManagedCluster, now: number): Finding[] {
  const { metadata, status } = cluster;
  const check = `cluster ${metadata.name}`;
  const ready = conditionOf(cluster, 'Ready');
  if (ready?.status !== 'True') {
    const since = ready?.lastTransitionTime === undefined ? '' : ` for ${age(ready.lastTransitionTime, now)}`;
    const message = `not ready${since}: ${ready?.message || ready?.reason || 'it has never reported'}; last report ${age(status?.lastObservedTime, now)} ago`;
    return [
      {
        check,
        verdict: 'fail',
        message,
        mend: 'look at the agent in that cluster: kubectl -n clusternet-system logs deploy/clusternet-agent',
      },
    ];
  }
  const tunnel = conditionOf(cluster, 'Connected');
  if (status?.useSocket && tunnel && tunnel.status !== 'True') {
    const mend = 'can the agent reach the parent, and is the hub running? The agent says in its log why it cannot connect';
    return [{ check, verdict: 'warn', message: `has no tunnel: ${tunnel.message || tunnel.reason}`, mend }];
  }
  return [];
}

const registrations: Check = async ({ client }) => {
  const { items } = await client.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).list();
  return items.filter(isWaiting).map(({ metadata, status, spec }) => ({
    check: `registration of ${spec.clusterName ?? spec.clusterId}`,
    verdict: 'warn' as const,
    message: status?.errorMessage ?? 'waits for approval',
    mend: `kubectl clusternet approve ${metadata.name} (or deny)`,
  }));
};

const subscriptions: Check = async ({ client, now }) => {
  const { items } = await client.resource<Subscription>(resources.subscriptions).list();
  const findings: Finding[] = [];
  for (const { metadata, status } of items) {
    const bad = status?.conditions?.find(
      ({ type, status: value, reason }) =>
        (type === 'Scheduled' && value === 'False') || (type === 'Deployed' && value === 'False' && reason !== 'Progressing'),
    );
    if (!bad) continue;
    findings.push({
      check: `Subscription ${metadata.namespace}/${metadata.name}`,
      verdict: 'fail',
      message: `${bad.reason} for ${age(bad.lastTransitionTime, now)}: ${bad.message}`,
      mend: `kubectl clusternet status ${metadata.name} -n ${metadata.namespace}`,
    });
  }
  const message = items.length === 0 ? 'there is none' : `${items.length - findings.length} of ${items.length} without a problem`;
  return [{ check: 'Subscriptions', verdict: 'ok', message }, ...findings];
};

const checks: Readonly<Record<string, Check>> = {
  kinds,
  services: leases,
  APIServices: apiServices,
  'your rights': rights,
  clusters,
  registrations,
  Subscriptions: subscriptions,
};

/** Runs all checks. What the user may not look at is told and skipped. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const found = await Promise.all(
    Object.entries(checks).map(async ([check, run]) => {
      try {
        return await run(patient);
      } catch (error) {
        if (isForbidden(error)) return [{ check, verdict: 'skip' as const, message: `you may not look: ${error.message}` }];
        // Already told by the check of kinds.
        if (isNotFound(error)) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}
