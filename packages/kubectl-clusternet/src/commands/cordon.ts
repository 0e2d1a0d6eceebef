// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from 'node:timers/promises';
import { type Base, labels, type ManagedCluster, resources, type Subscription } from '@clusternet/api-types';
import { CliError } from '../errors.ts';
import { conditionOf } from './clusters.ts';
import { type Cordon, cordonOf, cordonTaints, staysThrough } from './cordonTaints.ts';
import { type Session } from './session.ts';

/** Options of {@link cordon}. */
export interface CordonOptions {
  /** Names or ids of clusters. */
  clusters: string[];
  /** Keeps what is new away, lets everything in again. */
  verb: 'cordon' | 'uncordon';
}

/** Options of {@link drain}. */
export interface DrainOptions {
  clusters: string[];
  /** How long to wait, in milliseconds; 0 for as long as it takes. */
  timeout: number;
  /** Whether to wait at all. */
  wait: boolean;
}

const told: Record<Cordon, string> = { none: 'uncordoned', cordoned: 'cordoned', drained: 'draining' };
const mostTries = 5;
const pollMs = 1_000;

/** Keeps anything new away from clusters, or takes that back. */
export async function cordon(session: Session, { clusters, verb }: CordonOptions): Promise<number> {
  for (const cluster of await find(session, clusters)) await mark(session, cluster, verb === 'cordon' ? 'cordoned' : 'none');
  return 0;
}

/** Has workloads leave clusters, and waits until they have. */
export async function drain(session: Session, o: DrainOptions): Promise<number> {
  const found = await find(session, o.clusters);
  for (const cluster of found) await mark(session, cluster, 'drained');
  if (!o.wait) return 0;
  const deadline = o.timeout === 0 ? Infinity : session.now() + o.timeout;
  let failed = 0;
  for (const cluster of found) failed += (await waitUntilLeft(session, cluster, deadline)) ? 0 : 1;
  return failed > 0 ? 1 : 0;
}

async function find({ client }: Session, wanted: string[]): Promise<ManagedCluster[]> {
  const { items } = await client.resource<ManagedCluster>(resources.managedClusters).list();
  return wanted.map((name) => {
    const found = items.filter(({ metadata, spec }) => metadata.name === name || spec.clusterId === name);
    const [cluster] = found;
    if (!cluster) throw new CliError(`no cluster is called "${name}"; see "kubectl clusternet clusters"`);
    if (found.length > 1) throw new CliError(`${found.length} clusters are called "${name}": say which one by its id`);
    return cluster;
  });
}

async function mark({ client, output, now }: Session, cluster: ManagedCluster, wanted: Cordon): Promise<void> {
  const resource = client.resource<ManagedCluster>(resources.managedClusters);
  const { name, namespace } = cluster.metadata;
  let present = cluster;
  for (let attempt = 1; ; attempt++) {
    const taints = cordonTaints(present.spec.taints, wanted, new Date(now()));
    if (!taints) {
      output.write(`cluster ${name} ${told[wanted]} already\n`);
      return;
    }
    try {
      // The list is one value to the API server: with its version a taint that somebody set meanwhile is not lost.
      const { resourceVersion } = present.metadata;
      const body = { metadata: { resourceVersion }, spec: { taints } };
      await resource.patch({ name, namespace }, body, { type: 'merge', fieldManager: 'kubectl-clusternet' });
      output.write(`cluster ${name} ${told[wanted]}\n`);
      return;
    } catch (error) {
      if ((error as { status?: number }).status !== 409 || attempt === mostTries) throw error;
      present = await resource.get({ name, namespace });
    }
  }
}

/** What is still in a cluster, and why. */
interface Remains {
  waiting: { name: string; why: string }[];
  staying: string[];
  reachable: boolean;
  cordon: Cordon;
}

async function waitUntilLeft(session: Session, cluster: ManagedCluster, deadline: number): Promise<boolean> {
  const { output, signal } = session;
  const name = cluster.metadata.name ?? '';
  let shown = '';
  for (;;) {
    const remains = await remainsOf(session, cluster);
    if (remains.cordon !== 'drained') throw new CliError(`somebody uncordoned cluster ${name} meanwhile`);
    const { waiting, staying, reachable } = remains;
    const removed = waiting.filter(({ why }) => why === beingRemoved);
    if (removed.length === waiting.length && (waiting.length === 0 || !reachable)) {
      output.write(`cluster ${name} drained\n`);
      if (staying.length > 0) output.note(`These tolerate it and stay: ${staying.join(', ')}`);
      if (waiting.length > 0) {
        const what = waiting.length === 1 ? '1 Subscription' : `${waiting.length} Subscriptions`;
        output.note(`The cluster is not reached: what is there of ${what} is removed when it returns.`);
      }
      return true;
    }
    const text = waiting.map((one) => `  ${one.name}: ${one.why}\n`).join('');
    if (text !== shown) output.note(`cluster ${name}: ${waiting.length} to leave\n${text}`.trimEnd());
    shown = text;
    if (session.now() >= deadline) {
      output.note(`error: these have not left cluster ${name} in time; it stays drained, "uncordon" takes that back`);
      return false;
    }
    await delay(pollMs, undefined, { signal });
  }
}

const beingRemoved = 'being removed';

async function remainsOf({ client }: Session, { metadata }: ManagedCluster): Promise<Remains> {
  const { name, namespace = '' } = metadata;
  const [cluster, bases, subscriptions] = await Promise.all([
    client.resource<ManagedCluster>(resources.managedClusters).get({ name, namespace }),
    client.resource<Base>(resources.bases).list({ namespace }),
    client.resource<Subscription>(resources.subscriptions).list(),
  ]);
  const remains: Remains = {
    waiting: [],
    staying: [],
    reachable: conditionOf(cluster, 'Ready')?.status === 'True',
    cordon: cordonOf(cluster.spec.taints),
  };
  const present = new Map<string, Base>();
  for (const base of bases.items) {
    const uid = base.metadata.labels?.[labels.subsUid];
    if (uid !== undefined) present.set(uid, base);
  }
  const binding = `${namespace}/${name}`;
  for (const { metadata: own, spec, status } of subscriptions.items) {
    const base = present.get(own.uid ?? '');
    present.delete(own.uid ?? '');
    const isBound = status?.bindingClusters?.includes(binding) ?? false;
    if (!base && !isBound) continue;
    const full = `${own.namespace}/${own.name}`;
    const scheduled = status?.conditions?.find(({ type }) => type === 'Scheduled');
    if (base?.metadata.deletionTimestamp !== undefined) remains.waiting.push({ name: full, why: beingRemoved });
    else if (!isBound) remains.waiting.push({ name: full, why: 'waits until it runs elsewhere' });
    else if (staysThrough(spec.clusterTolerations)) remains.staying.push(full);
    else remains.waiting.push({ name: full, why: scheduled?.status === 'False' ? scheduled.message : 'not moved yet' });
  }
  for (const base of present.values()) {
    const { [labels.subsNamespace]: home = '', [labels.subsName]: own = base.metadata.name } = base.metadata.labels ?? {};
    remains.waiting.push({ name: `${home}/${own}`, why: beingRemoved });
  }
  remains.waiting.sort((a, b) => a.name.localeCompare(b.name));
  return remains;
}
