// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * One Subscription of a Namespace and 20 ConfigMaps to 8 children: how long until everything is there, until a burst of edits
 * to all 20 is there, until one Globalization of one of them is, until all is gone, and what it costs the parent; against the same objects applied straight to the
 * children in the same run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  apiVersionOf,
  type Globalization,
  resources,
  type KubeObject,
  type Manifest,
  type Subscription,
} from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { AuditLog } from './auditLog.ts';
import { type Bench, median, round } from './bench.ts';
import { FeedWatch } from './feedWatch.ts';
import { inParallel } from './inParallel.ts';
import { residentMegabytes } from './memory.ts';

const CHILDREN = 8;
const CONFIG_MAPS = 20;
const PAYLOAD = 'x'.repeat(1000);
const USER_AGENT = 'clusternet-bench';

export const bench: Bench = {
  name: 'fanout',
  summary: `1 Namespace + ${CONFIG_MAPS} ConfigMaps of 1 KB to ${CHILDREN} children, medians of ${rounds()} rounds`,
  async run(log) {
    const syncMode = process.env['BENCH_SYNC_MODE'] === 'Pull' ? 'Pull' : 'Push';
    const system = await startSystem({
      audit: true,
      children: Array.from({ length: CHILDREN }, (_, i) => ({ name: `child${i + 1}`, syncMode })),
      log,
    });
    try {
      return { syncMode, ...(await measure(system, log)) };
    } finally {
      await system.close();
    }
  },
};

function rounds(): number {
  return Number(process.env['BENCH_ROUNDS'] ?? 3);
}

interface Round {
  create: number;
  update: number;
  override: number;
  remove: number;
}

type Step = keyof Round;
const steps = ['create', 'update', 'override', 'remove'] as const satisfies Step[];

async function measure(system: System, log: (line: string) => void): Promise<Record<string, unknown>> {
  const parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath, userAgent: USER_AGENT });
  const children = await Promise.all(
    system.children.map((c) => KubeClient.fromKubeConfig({ path: c.kubeconfigPath, userAgent: USER_AGENT })),
  );
  const audit = new AuditLog(system.auditLogPath, USER_AGENT);
  const floors: Round[] = [];
  const ours: (Round & { writes: Record<Step, number>; events: number })[] = [];
  for (let n = 0; n <= rounds(); n++) {
    const floor = await straight(children, `floor-${n}`);
    const round = await through(parent, children, audit, `fan-${n}`);
    log(
      `round ${n}${n === 0 ? ' (warm-up)' : ''}: create ${seconds(round.create)} (floor ${seconds(floor.create)}), update ${seconds(round.update)} (${seconds(floor.update)}), ` +
        `override ${seconds(round.override)} (${seconds(floor.override)}), remove ${seconds(round.remove)} (${seconds(floor.remove)}); ` +
        `parent writes ${steps.map((step) => round.writes[step]).join('/')}, events ${round.events}`,
    );
    for (const [step, kinds] of Object.entries(round.byKind)) {
      log(
        `  ${step}: ${Object.entries(kinds)
          .map(([kind, count]) => `${count} ${kind}`)
          .join(', ')}`,
      );
    }
    if (n === 0) continue;
    floors.push(floor);
    ours.push(round);
  }
  const figure = (pick: (r: Round) => number) => {
    const [a, b] = [median(ours.map(pick)), median(floors.map(pick))];
    return { seconds: round(a / 1000), floorSeconds: round(b / 1000), ratio: round(a / b) };
  };
  const result = {
    create: figure((r) => r.create),
    update: figure((r) => r.update),
    override: figure((r) => r.override),
    remove: figure((r) => r.remove),
    writes: {
      create: median(ours.map((r) => r.writes.create)),
      update: median(ours.map((r) => r.writes.update)),
      override: median(ours.map((r) => r.writes.override)),
      remove: median(ours.map((r) => r.writes.remove)),
    },
    events: median(ours.map((r) => r.events)),
    memoryMB: Object.fromEntries(
      await Promise.all(system.services.map(async (s) => [s.name, await residentMegabytes(s.process.pid)] as const)),
    ),
  };
  for (const step of steps) {
    const f = result[step];
    log(
      `${step}: ${f.seconds} s, floor ${f.floorSeconds} s, ${f.ratio}x; ${result.writes[step]} object writes in the parent beside the user's own`,
    );
  }
  log(
    `memory (resident, MB): ${Object.entries(result.memoryMB)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')}`,
  );
  await Promise.all([parent, ...children].map((c) => c.close()));
  return result;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function namespaceObject(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function configMap(namespace: string, index: number, revision: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `cm-${index}`, namespace },
    data: { payload: PAYLOAD, revision },
  };
}

function configMaps(namespace: string, revision: string): KubeObject[] {
  return Array.from({ length: CONFIG_MAPS }, (_, i) => configMap(namespace, i, revision));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Resolves when the object is not there any longer. */
async function gone(find: () => Promise<unknown>): Promise<void> {
  while ((await find()) !== undefined) await delay(100);
}

/** The floor: the same objects by server-side apply, 8 requests in flight per child. */
async function straight(children: KubeClient[], namespace: string): Promise<Round> {
  const options = { fieldManager: USER_AGENT, force: true };
  const everywhere = (task: (child: KubeClient) => Promise<unknown>) => timed(() => Promise.all(children.map(task)));
  const applyAll = (child: KubeClient, revision: string) =>
    inParallel(configMaps(namespace, revision), 8, (o) => child.resource(core.configMaps).apply(o, options));
  const create = await everywhere(async (child) => {
    await child.resource(core.namespaces).apply(namespaceObject(namespace), options);
    await applyAll(child, 'one');
  });
  const update = await everywhere((child) => applyAll(child, 'two'));
  const override = await everywhere((child) => child.resource(core.configMaps).apply(configMap(namespace, 0, 'three'), options));
  const remove = await everywhere(async (child) => {
    await inParallel(configMaps(namespace, 'two'), 8, (o) =>
      child.resource(core.configMaps).delete({ name: o.metadata.name ?? '', namespace }),
    );
    await child.resource(core.namespaces).delete({ name: namespace });
  });
  return { create, update, override, remove };
}

async function through(parent: KubeClient, children: KubeClient[], audit: AuditLog, name: string) {
  const manifests = parent.resource<Manifest>(resources.manifests);
  const subscriptions = parent.resource<Subscription>(resources.subscriptions);
  const manifest = (template: KubeObject, plural: string): Manifest => ({
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Manifest',
    metadata: {
      name: [plural, template.metadata.namespace, template.metadata.name].filter((part) => part !== undefined).join('.'),
      namespace: 'clusternet-reserved',
    },
    template,
  });
  const wanted = configMaps(name, 'one');
  await manifests.create(manifest(namespaceObject(name), 'namespaces'));
  await inParallel(wanted, 8, (o) => manifests.create(manifest(o, 'configmaps')));

  const watches = await Promise.all(children.map((child) => FeedWatch.start(child, name)));
  const writes = { create: 0, update: 0, override: 0, remove: 0 };
  const byKind: Partial<Record<keyof typeof writes, Record<string, number>>> = {};
  let events = 0;
  const step = async (key: keyof typeof writes, work: () => Promise<unknown>, arrived: (w: FeedWatch) => Promise<void>) => {
    await audit.mark();
    const ms = await timed(async () => {
      await work();
      await Promise.all(watches.map(arrived));
    });
    // Status comes back after the objects are there, and finalizers go after the objects are gone: count what follows too.
    if (key === 'remove') await gone(() => subscriptions.find({ name, namespace: 'default' }));
    await audit.quiet();
    const cost = await audit.sinceMark();
    writes[key] = cost.writes;
    byKind[key] = cost.byKind;
    events += cost.events;
    return ms;
  };
  const create = await step(
    'create',
    () =>
      subscriptions.create({
        apiVersion: 'apps.clusternet.io/v1alpha1',
        kind: 'Subscription',
        metadata: { name, namespace: 'default' },
        spec: {
          subscribers: [{ clusterAffinity: {} }],
          feeds: [
            { apiVersion: 'v1', kind: 'Namespace', name },
            ...wanted.map((o) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: name, name: o.metadata.name ?? '' })),
          ],
        },
      }),
    (w) => w.until((byName) => byName.size === CONFIG_MAPS),
  );
  const update = await step(
    'update',
    () =>
      inParallel(wanted, 8, (o) =>
        manifests.patch(
          { name: `configmaps.${name}.${o.metadata.name}`, namespace: 'clusternet-reserved' },
          { template: { data: { revision: 'two' } } },
          { type: 'merge' },
        ),
      ),
    (w) => w.until((byName) => byName.size === CONFIG_MAPS && [...byName.values()].every((revision) => revision === 'two')),
  );
  const globalizations = parent.resource<Globalization>(resources.globalizations);
  const override = await step(
    'override',
    () =>
      globalizations.create({
        apiVersion: apiVersionOf(resources.globalizations),
        kind: resources.globalizations.kind,
        metadata: { name },
        spec: {
          overridePolicy: 'ApplyNow',
          feed: { apiVersion: 'v1', kind: 'ConfigMap', namespace: name, name: 'cm-0' },
          overrides: [{ type: 'MergePatch', value: 'data: {revision: three}' }],
        },
      }),
    (w) => w.until((byName) => byName.get('cm-0') === 'three'),
  );
  const remove = await step(
    'remove',
    () => subscriptions.delete({ name, namespace: 'default' }),
    (w) => w.until((byName) => byName.size === 0),
  );
  await Promise.all([globalizations.delete({ name }), ...watches.map((w) => w.close())]);
  await inParallel([namespaceObject(name), ...wanted], 8, (o) =>
    manifests.delete({
      name: o.kind === 'Namespace' ? `namespaces.${name}` : `configmaps.${name}.${o.metadata.name}`,
      namespace: 'clusternet-reserved',
    }),
  );
  return { create, update, override, remove, writes, byKind, events };
}
