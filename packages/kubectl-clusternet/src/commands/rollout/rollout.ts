// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from 'node:timers/promises';
import { annotations, type Condition, conditionTypes, resources, type Subscription } from '@clusternet/api-types';
import { addUndoRequest, everyCluster, latestUndoRequest, objectsOfContent } from '@clusternet/override-engine';
import { isConflict } from '@clusternet/client';
import { CliError } from '../../errors.ts';
import { age } from '../../output/age.ts';
import { table } from '../../output/table.ts';
import { type Session } from '../session.ts';
import { contentDiff } from './contentDiff.ts';
import {
  type ClusterHistory,
  contentAt,
  fetchRollout,
  findSubscription,
  followed,
  previousRevision,
  type Rollout,
} from './fetchRollout.ts';
import { type RolloutAction } from './isRollout.ts';

/** Options of {@link rollout}. */
export interface RolloutOptions {
  action: RolloutAction;
  /** Name of the Subscription. */
  name: string;
  /** Name or dedicated namespace of one cluster; all of the Subscription when left out. */
  cluster?: string;
  revision?: number;
}

/** How long `undo` waits until the clusters' Descriptions are back. */
const undoPatienceMs = 60_000;
/** Tries of a write whose object changed meanwhile. */
const maxTries = 8;

/** Carries out one action on the rollout of a Subscription; gives the exit code. */
export function rollout(session: Session, o: RolloutOptions): Promise<number> {
  const actions: Record<RolloutAction, () => Promise<number>> = {
    history: () => history(session, o),
    undo: () => undo(session, o),
    diff: () => diff(session, o),
    status: () => status(session, o),
    pause: () => annotate(session, o, { [annotations.rolloutPaused]: 'true' }),
    resume: () => annotate(session, o, { [annotations.rolloutPaused]: null }),
    approve: () => approve(session, o),
  };
  return actions[o.action]();
}

async function history(session: Session, o: RolloutOptions): Promise<number> {
  const { clusters } = await fetchRollout(session, o);
  if (o.revision !== undefined) return show(session, clusters, o.revision);
  const numbers = new Set(clusters.flatMap(({ current, earlier }) => [current, ...earlier.map(({ number }) => number)]));
  const rows = [...numbers]
    .sort((a, b) => a - b)
    .map((number) => {
      const running = clusters.filter(({ current }) => current === number);
      const stored = clusters.flatMap(({ earlier }) => earlier.filter((one) => one.number === number));
      const replaced = stored
        .map(({ replacedAt }) => replacedAt)
        .sort()
        .at(-1);
      const state =
        running.length > 0 ? `in ${running.map(({ name }) => name).join(', ')}` : `replaced ${age(replaced, session.now())} ago`;
      return [String(number), String(running.length + stored.length), state, changed(clusters, number)];
    });
  session.output.write(table(['REVISION', 'CLUSTERS', 'STATE', 'CHANGED'], rows));
  for (const { name, undone, current } of clusters) {
    if (undone && (undone.with.length > 0 || Object.keys(undone.without).length > 0 || current > undone.revision))
      session.output.note(
        `${name} was taken back to revision ${undone.revision}; it stays so until a feed or an override of it changes`,
      );
  }
  return 0;
}

/** The objects that a revision changed, over all clusters. */
function changed(clusters: readonly ClusterHistory[], number: number): string {
  const keys = new Set<string>();
  for (const cluster of clusters) {
    const numbers = [...cluster.earlier.map((one) => one.number), cluster.current];
    const at = numbers.indexOf(number);
    if (at < 1) continue;
    const [before, after] = [contentAt(cluster, numbers[at - 1] ?? 0), contentAt(cluster, number)];
    for (const key of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]))
      if (before?.get(key) !== after?.get(key)) keys.add(key);
  }
  const list = [...keys].sort();
  if (list.length === 0) return '<first>';
  return `${list.slice(0, 3).join(', ')}${list.length > 3 ? ` and ${list.length - 3} more` : ''}`;
}

async function show(session: Session, clusters: readonly ClusterHistory[], revision: number): Promise<number> {
  const { stringify } = await import('yaml');
  for (const cluster of clusters) {
    const content = contentAt(cluster, revision);
    if (!content) throw notKept(clusters, revision);
    for (const object of objectsOfContent(content).values())
      session.output.write(`---\n# ${cluster.name}\n${stringify(object, { lineWidth: 0 })}`);
  }
  return 0;
}

async function diff(session: Session, o: RolloutOptions): Promise<number> {
  const { clusters, ...rest } = await fetchRollout(session, o);
  const revision = target({ clusters, ...rest }, o);
  let text = '';
  for (const cluster of clusters) {
    const content = contentAt(cluster, revision);
    if (!content) throw notKept(clusters, revision);
    const [before, after] = [objectsOfContent(cluster.content), objectsOfContent(content)];
    text += contentDiff(before, after, { title: cluster.name, colours: session.output.colours });
  }
  session.output.write(text);
  return text === '' ? 0 : 1;
}

async function undo(session: Session, o: RolloutOptions): Promise<number> {
  const { clusters, ...rest } = await fetchRollout(session, o);
  const revision = target({ clusters, ...rest }, o);
  const able = clusters.filter((cluster) => contentAt(cluster, revision) !== undefined);
  if (able.length === 0) throw notKept(clusters, revision);
  for (const { name } of clusters.filter((cluster) => !able.includes(cluster)))
    session.output.note(`warning: ${name} does not keep revision ${revision} any longer; it stays as it is`);
  const namespace = o.cluster === undefined ? everyCluster : (clusters[0]?.namespace ?? '');
  const { subscription, id } = await requestUndo(session, o, { namespace, revision });
  const deadline = session.now() + undoPatienceMs;
  for (;;) {
    const done = await followed(session, subscription, id);
    const waiting = clusters.filter((cluster) => !done.has(cluster.namespace));
    if (waiting.length === 0) break;
    if (session.now() > deadline)
      throw new CliError(
        `the request is written, but ${waiting.map(({ name }) => name).join(', ')} did not follow yet: one that still takes away what has to come back follows after that; ` +
          'otherwise, does the override engine run?',
      );
    await delay(300, undefined, { signal: session.signal });
  }
  session.output.write(
    `subscription.apps.clusternet.io/${subscription.metadata.name} taken back to revision ${revision} in ${able.map(({ name }) => name).join(', ')}\n`,
  );
  return 0;
}

/** Leaves the request on the Subscription, later than any other, whatever the clocks of those who asked for them say. */
async function requestUndo(
  session: Session,
  o: RolloutOptions,
  { namespace, revision }: { namespace: string; revision: number },
): Promise<{ subscription: Subscription; id: string }> {
  for (let attempt = 1; ; attempt++) {
    const subscription = await findSubscription(session, o.name);
    const before = subscription.metadata.annotations?.[annotations.rolloutUndo];
    const latest = Date.parse(latestUndoRequest(before)?.id ?? '');
    const id = new Date(Math.max(session.now(), Number.isNaN(latest) ? 0 : latest + 1)).toISOString();
    const text = addUndoRequest(before, { namespace, request: { id, revision } });
    try {
      // Somebody else's request must not be lost.
      const { resourceVersion } = subscription.metadata;
      await patch(session, subscription, { annotations: { [annotations.rolloutUndo]: text }, resourceVersion });
      return { subscription, id };
    } catch (error) {
      if (!isConflict(error) || attempt === maxTries) throw error;
    }
  }
}

async function status(session: Session, o: RolloutOptions): Promise<number> {
  const { subscription, clusters } = await fetchRollout(session, o);
  const condition = rolledOut(subscription);
  const rows = clusters.map(({ name, current, description, undone }) => {
    const { phase, observedGeneration, reason } = description.status ?? {};
    const applied = (observedGeneration ?? 0) >= (description.metadata.generation ?? 0);
    const note = undone && undone.revision < current ? `undone to ${undone.revision}` : '';
    return [name, String(current), applied ? 'applied' : (phase ?? 'Pending'), reason ?? '', note];
  });
  session.output.write(table(['CLUSTER', 'REVISION', 'STATE', 'REASON', 'NOTE'], rows));
  if (condition) session.output.write(`${condition.reason}: ${condition.message}\n`);
  return condition === undefined || condition.status === 'True' ? 0 : 1;
}

async function approve(session: Session, o: RolloutOptions): Promise<number> {
  const subscription = await findSubscription(session, o.name);
  const condition = rolledOut(subscription);
  const [, hash] = /approve ([0-9a-f]+) to go on/.exec(condition?.message ?? '') ?? [];
  if (condition?.reason !== 'WaitingForApproval' || hash === undefined) {
    const now = condition ? `${condition.reason}: ${condition.message}` : 'its rollout is not staged';
    throw new CliError(`Subscription ${o.name} does not wait for an approval (${now})`);
  }
  await patch(session, subscription, { annotations: { [annotations.rolloutApproved]: hash } });
  session.output.write(`subscription.apps.clusternet.io/${subscription.metadata.name} approved\n`);
  return 0;
}

async function annotate(session: Session, o: RolloutOptions, values: Record<string, string | null>): Promise<number> {
  if (o.cluster !== undefined) throw new CliError(`"rollout ${o.action}" is for the whole Subscription, not for one cluster`);
  const subscription = await findSubscription(session, o.name);
  await patch(session, subscription, { annotations: values });
  session.output.write(`subscription.apps.clusternet.io/${subscription.metadata.name} ${o.action}d\n`);
  return 0;
}

async function patch(
  session: Session,
  { metadata: { name, namespace } }: Subscription,
  metadata: { annotations: Record<string, string | null>; resourceVersion?: string },
): Promise<void> {
  await session.client
    .resource<Subscription>(resources.subscriptions)
    .patch({ name, namespace }, { metadata }, { type: 'merge', fieldManager: 'kubectl-clusternet' });
}

function rolledOut({ status }: Subscription): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === conditionTypes.rolledOut);
}

function target(rollout: Pick<Rollout, 'clusters' | 'bad'>, { revision }: RolloutOptions): number {
  const wanted = revision ?? previousRevision(rollout);
  if (wanted !== undefined) return wanted;
  const kept = rollout.clusters.some(({ earlier }) => earlier.length > 0);
  throw new CliError(
    kept
      ? 'there is no earlier revision but those that are the same or were taken back before; name one with --to-revision (see "rollout history")'
      : 'there is no earlier revision',
  );
}

function notKept(clusters: readonly ClusterHistory[], revision: number): CliError {
  const numbers = new Set(clusters.flatMap(({ current, earlier }) => [current, ...earlier.map(({ number }) => number)]));
  return new CliError(`revision ${revision} is not kept; there are ${[...numbers].sort((a, b) => a - b).join(', ')}`);
}
