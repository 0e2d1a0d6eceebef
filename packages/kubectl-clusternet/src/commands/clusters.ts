// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type KubeObject, type ManagedCluster, names, resources } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { CliError } from '../errors.ts';
import { age } from '../output/age.ts';
import { type Colours } from '../output/colours.ts';
import { type OutputFormat, printedData, printedObjects } from '../output/print.ts';
import { table } from '../output/table.ts';
import { cordonOf } from './cordonTaints.ts';
import { type Session } from './session.ts';

/** Options of {@link listClusters}, {@link describeClusters} and {@link clustersHealth}. */
export interface ClustersOptions {
  names: string[];
  selector?: string;
  output?: OutputFormat;
}

const definition = resources.managedClusters;

/** Prints the clusters, one on each line, as objects or as names. */
export async function listClusters(session: Session, o: ClustersOptions): Promise<number> {
  const { output } = session;
  const clusters = await selectClusters(session, o);
  const heard = await lastHeard(session);
  const objects = await asObjects(clusters, o);
  if (objects !== undefined) output.write(objects);
  else if (clusters.length === 0) noneFound(session, o);
  else output.write(clusterTable(clusters, { wide: o.output === 'wide', now: session.now(), colours: output.colours, heard }));
  return 0;
}

/** Prints everything that is known about clusters. */
export async function describeClusters(session: Session, o: ClustersOptions): Promise<number> {
  const clusters = await selectClusters(session, o);
  const objects = await asObjects(clusters, o);
  const heard = await lastHeard(session);
  if (objects === undefined && clusters.length === 0) noneFound(session, o);
  else session.output.write(objects ?? clusters.map((cluster) => description(cluster, session.now(), heard)).join('\n\n'));
  return 0;
}

/** Clusters in the form of `-o`; undefined for the one that is to be read. */
function asObjects(clusters: readonly ManagedCluster[], o: ClustersOptions): Promise<string | undefined> {
  const resource = `${definition.resource.replace(/s$/, '')}.${definition.group}`;
  return printedObjects(clusters, { format: o.output, resource, single: o.names.length === 1 });
}

function noneFound({ output }: Session, { selector }: ClustersOptions): void {
  output.note(
    selector === undefined
      ? 'No clusters found. "kubectl clusternet join-command" tells how to add one.'
      : `No clusters found with labels ${selector}.`,
  );
}

/** Prints what is wrong with clusters; the exit code is 1 when something is. */
export async function clustersHealth(session: Session, o: ClustersOptions): Promise<number> {
  const { output } = session;
  const clusters = await selectClusters(session, o);
  const heard = await lastHeard(session);
  const isBad = clusters.some((cluster) => troubles(cluster).length > 0);
  const objects =
    o.output === 'name'
      ? await asObjects(clusters, o)
      : await printedData(
          clusters.map((cluster) => healthData(cluster, heard)),
          o.output,
        );
  if (objects !== undefined) {
    output.write(objects);
    return isBad ? 1 : 0;
  }
  const rows = clusters.map((cluster) => [
    cluster.metadata.name ?? '',
    readiness(cluster, output.colours),
    verdict(conditionOf(cluster, 'Connected'), output.colours, 'none'),
    nodes(cluster),
    age(heard(cluster), session.now()),
    troubles(cluster).join('; '),
  ]);
  if (rows.length > 0) output.write(table(['NAME', 'READY', 'TUNNEL', 'NODES', 'LAST-REPORT', 'TROUBLE'], rows));
  else noneFound(session, o);
  return isBad ? 1 : 0;
}

function healthData(cluster: ManagedCluster, heard: Heard): object {
  const { metadata, spec } = cluster;
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    clusterId: spec.clusterId,
    ready: conditionOf(cluster, 'Ready')?.status ?? 'Unknown',
    connected: conditionOf(cluster, 'Connected')?.status,
    lastReport: heard(cluster),
    troubles: troubles(cluster),
  };
}

function troubles(cluster: ManagedCluster): string[] {
  const ready = conditionOf(cluster, 'Ready');
  const connected = conditionOf(cluster, 'Connected');
  const says = ({ type, reason, message }: { type: string; reason?: string; message?: string }): string =>
    `${type}: ${message || reason || 'no reason given'}`;
  return [
    ...(ready === undefined ? ['Ready: its agent has not reported yet'] : ready.status === 'True' ? [] : [says(ready)]),
    // No tunnel is fine where none is asked for.
    ...(connected === undefined || connected.status === 'True' || connected.reason === 'TunnelDisabled' ? [] : [says(connected)]),
  ];
}

/** The condition of a cluster with this type. */
export function conditionOf(
  cluster: ManagedCluster,
  type: string,
): { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string } | undefined {
  return cluster.status?.conditions?.find((condition) => condition.type === type);
}

/** When a cluster last said that it is there. */
type Heard = (cluster: ManagedCluster) => string | undefined;

/** By their reports, and by their Leases where those may be read: agents write a report only when something changes. */
async function lastHeard({ client }: Session): Promise<Heard> {
  const fieldSelector = `metadata.name=${names.heartbeatLease}`;
  const leases = await client
    .resource<KubeObject & { spec?: { renewTime?: string } }>(core.leases)
    .list({ fieldSelector })
    .catch(() => ({ items: [] }));
  const renewed = new Map(leases.items.map(({ metadata, spec }) => [metadata.namespace, spec?.renewTime]));
  return ({ metadata, status }) => {
    const times = [status?.lastObservedTime, renewed.get(metadata.namespace)].filter((time) => time !== undefined);
    return times.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
  };
}

async function selectClusters({ client }: Session, { names: wanted, selector }: ClustersOptions): Promise<ManagedCluster[]> {
  const { items } = await client.resource<ManagedCluster>(definition).list({ labelSelector: selector });
  items.sort((a, b) => (a.metadata.name ?? '').localeCompare(b.metadata.name ?? ''));
  if (wanted.length === 0) return items.map(typed);
  const isNamed = ({ metadata, spec }: ManagedCluster, name: string): boolean =>
    metadata.name === name || spec.clusterId === name;
  const missing = wanted.filter((name) => !items.some((cluster) => isNamed(cluster, name)));
  if (missing.length > 0) {
    throw new CliError(
      `no cluster is called ${missing.map((name) => `"${name}"`).join(' or ')}; see "kubectl clusternet clusters"`,
    );
  }
  return items.filter((cluster) => wanted.some((name) => isNamed(cluster, name))).map(typed);
}

/** In the order in which people read objects, without what they never read. */
function typed({ metadata, spec, status }: ManagedCluster): ManagedCluster {
  const shown = { ...metadata, managedFields: undefined };
  return { apiVersion: apiVersionOf(definition), kind: definition.kind, metadata: shown, spec, status };
}

function clusterTable(clusters: ManagedCluster[], o: { wide: boolean; now: number; colours: Colours; heard: Heard }): string {
  const header = ['NAME', 'READY', 'TUNNEL', 'SYNC-MODE', 'VERSION', 'NODES', 'LAST-REPORT', 'AGE'];
  if (o.wide) header.push('CLUSTER-ID', 'NAMESPACE', 'AGENT', 'API-SERVER');
  const rows = clusters.map((cluster) => {
    const { metadata, spec, status } = cluster;
    const row = [
      metadata.name ?? '',
      readiness(cluster, o.colours),
      verdict(conditionOf(cluster, 'Connected'), o.colours, 'none'),
      spec.syncMode ?? '',
      status?.k8sVersion ?? '<unknown>',
      nodes(cluster),
      age(o.heard(cluster), o.now),
      age(metadata.creationTimestamp, o.now),
    ];
    if (o.wide) row.push(spec.clusterId, metadata.namespace ?? '', status?.agentVersion ?? '', status?.apiserverURL ?? '');
    return row;
  });
  return table(header, rows);
}

function verdict(condition: ReturnType<typeof conditionOf>, colours: Colours, missing = 'Unknown'): string {
  if (!condition) return missing === 'Unknown' ? colours.waiting(missing) : colours.faint(missing);
  if (condition.status === 'True') return colours.good('True');
  return condition.status === 'False' ? colours.bad('False') : colours.waiting(condition.status);
}

/** As kubectl shows nodes that are cordoned. */
function readiness(cluster: ManagedCluster, colours: Colours): string {
  const marks = { none: '', cordoned: ',Cordoned', drained: ',Drained' };
  return `${verdict(conditionOf(cluster, 'Ready'), colours)}${marks[cordonOf(cluster.spec.taints)]}`;
}

function nodes({ status }: ManagedCluster): string {
  const counts = status?.nodeStatistics;
  if (!counts) return '<unknown>';
  const { readyNodes = 0, notReadyNodes = 0, unknownNodes = 0, lostNodes = 0 } = counts;
  return `${readyNodes}/${readyNodes + notReadyNodes + unknownNodes + lostNodes}`;
}

function description(cluster: ManagedCluster, now: number, heard: Heard): string {
  const { metadata, spec, status = {} } = cluster;
  const lines: [string, string | undefined][] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Cluster ID', spec.clusterId],
    ['Type', spec.clusterType],
    ['Sync mode', spec.syncMode],
    ['Labels', pairs(metadata.labels)],
    [
      'Taints',
      spec.taints?.map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`).join(', ') || undefined,
    ],
    ['Kubernetes', status.k8sVersion && `${status.k8sVersion} (${status.platform ?? 'unknown platform'})`],
    ['API server', status.apiserverURL],
    ['Agent', status.agentVersion],
    ['Health', health(cluster)],
    ['Nodes ready', nodes(cluster)],
    [
      'Pods',
      status.podStatistics && `${status.podStatistics.runningPods ?? 0} running of ${status.podStatistics.totalPods ?? 0}`,
    ],
    ['Capacity', pairs(status.capacity)],
    ['Allocatable', pairs(status.allocatable)],
    ['Usage', pairs(status.resourceUsage)],
    ['Pod addresses', status.clusterCIDR],
    ['Service addresses', status.serviceCIDR],
    ['Last report', heard(cluster) && `${age(heard(cluster), now)} ago, every ${status.heartbeatFrequencySeconds ?? '?'} s`],
    ['Registered', metadata.creationTimestamp && `${age(metadata.creationTimestamp, now)} ago`],
  ];
  const width = Math.max(...lines.map(([key]) => key.length)) + 3;
  const text = lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${`${key}:`.padEnd(width)}${value}\n`)
    .join('');
  const conditions = status.conditions ?? [];
  if (conditions.length === 0) return text;
  const rows = conditions.map((c) => [`  ${c.type}`, c.status, c.reason ?? '', age(c.lastTransitionTime, now), c.message ?? '']);
  return `${text}Conditions:\n${table(['  TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'], rows)}`;
}

function health({ status = {} }: ManagedCluster): string | undefined {
  const checks = (['healthz', 'livez', 'readyz'] as const).filter((check) => status[check] !== undefined);
  if (checks.length === 0) return undefined;
  return checks.map((check) => `${check} ${status[check] ? 'ok' : 'failed'}`).join(', ');
}

function pairs(map: Record<string, unknown> | undefined): string | undefined {
  const entries = Object.entries(map ?? {});
  return entries.length === 0 ? undefined : entries.map(([key, value]) => `${key}=${String(value)}`).join(', ');
}
