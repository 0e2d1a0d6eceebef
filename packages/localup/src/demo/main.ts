// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** `pnpm demo [--once]`: the whole system on real clusters of this machine, with one application in three of them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { startSystem, type System } from '../system/startSystem.ts';
import { invitation } from './invitation.ts';
import { Steps } from './steps.ts';
import { openVisit } from './visit.ts';

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, '../../../..');
const plugin = join(repository, 'packages/kubectl-clusternet/dist/main.js');
const file = (name: string): string => join(repository, 'docs/examples/shop', name);
const childNames = ['child1', 'child2', 'child3'];

const { once } = options();
const steps = new Steps();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

const logDir = await mkdtemp(join(tmpdir(), 'clusternet-demo-logs-'));
let failed = false;
let system: System | undefined;
try {
  system = await steps.run('clusters, charts, services, registration', () =>
    startSystem({
      logDir,
      children: childNames.map((name) => ({ name, nodes: 2 })),
      values: {
        hub: { featureGates: { SocketConnection: true, ShadowAPI: true } },
        agent: { featureGates: { SocketConnection: true }, visitors: { enabled: true } },
      },
      log: (line) => steps.say(line),
    }),
  );
  const visit = await show(system);
  if (!once && !stop.signal.aborted) {
    invite(system, visit);
    await new Promise((done) => stop.signal.addEventListener('abort', done, { once: true }));
  }
} catch (error) {
  if (!stop.signal.aborted) {
    failed = true;
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\nLogs: ${logDir}`);
  }
} finally {
  steps.say('stopping everything');
  await system?.close();
  if (!failed) await rm(logDir, { recursive: true, force: true });
}
process.exit(failed ? 1 : stop.signal.aborted && once ? 130 : 0);

function options(): { once: boolean } {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
    return values;
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}\nusage: pnpm demo [--once]`);
    process.exit(2);
  }
}

async function show(running: System): Promise<string> {
  const { parent } = running;
  await steps.run('application applied as templates, and a Subscription', async () => {
    await kubectl(running, parent.kubeconfigPath, ['apply', '-f', file('crd.yaml')]);
    await kubectl(running, parent.kubeconfigPath, ['wait', '--for=condition=Established', '-f', file('crd.yaml')]);
    const files = ['crd.yaml', 'shop.yaml', 'subscription.yaml'].flatMap((name) => ['-f', file(name)]);
    await clusternet(running, ['apply', ...files]);
  });
  await steps.run('pods running in all three children', async () => {
    await Promise.all(running.children.map((child) => podsRun(running, child.kubeconfigPath)));
  });
  await steps.run('status back in the parent', async () => {
    await until(
      async () =>
        (await kubectl(running, parent.kubeconfigPath, ['get', 'subs', 'shop', '-o', 'jsonpath={.status.completedReleases}'])) ===
        '3',
    );
  });
  const visit = await steps.run('a child visited through the parent', () => visitChild(running));
  const inParent = [
    ['get', 'clsrr'],
    ['get', 'mcls', '-A'],
    ['get', 'subs', '-A'],
    ['get', 'base', '-A'],
    ['get', 'desc', '-A'],
  ];
  const args = ['get', 'deployments,services,configmaps,promotions', '-n', 'shop'];
  console.log(`\nparent, templates$ kubectl clusternet ${args.join(' ')}\n${await clusternet(running, args)}`);
  for (const args of inParent) await print(running, 'parent', parent.kubeconfigPath, args);
  for (const child of running.children) {
    await print(running, child.name, child.kubeconfigPath, ['get', 'pods,services,configmaps,promotions', '-n', 'shop']);
  }
  await print(running, 'parent, visiting child1', visit, ['get', 'pods', '-n', 'shop']);
  console.log(`\n${steps.table()}`);
  return visit;
}

/** Goes to the first child with the parent's login, through the tunnel. Resolves to the kubeconfig. */
async function visitChild(running: System): Promise<string> {
  const [child] = running.children;
  if (child === undefined) throw new Error('there is no child to visit');
  const visit = await openVisit(running.parent, child);
  await until(async () => {
    try {
      return (await kubectl(running, visit, ['get', 'pods', '-n', 'shop', '-o', 'name'])) !== '';
    } catch {
      return false; // the tunnel is still coming up
    }
  });
  return visit;
}

function invite(running: System, visit: string): void {
  const { clusters, parent, children } = running;
  console.log('\nThe clusters stay up until you press Ctrl-C. In another shell:\n');
  console.log(
    invitation({
      kubectl: clusters.binaries.kubectl,
      node: process.execPath,
      plugin,
      parent: parent.kubeconfigPath,
      children,
      visit,
    }),
  );
}

async function podsRun(running: System, kubeconfig: string): Promise<void> {
  await until(async () => {
    const phases = await kubectl(running, kubeconfig, ['get', 'pods', '-n', 'shop', '-o', 'jsonpath={.items[*].status.phase}']);
    return phases === 'Running Running Running';
  });
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await reached())) {
    stop.signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error('it did not happen within two minutes; see the logs in ' + logDir);
    await delay(150);
  }
}

async function print(running: System, where: string, kubeconfig: string, args: string[]): Promise<void> {
  console.log(`\n${where}$ kubectl ${args.join(' ')}\n${await kubectl(running, kubeconfig, args)}`);
}

/** `kubectl clusternet` in the parent: on templates. */
async function clusternet({ clusters, parent }: System, args: string[]): Promise<string> {
  const env = { ...process.env, CLUSTERNET_KUBECTL: clusters.binaries.kubectl };
  const { stdout } = await run(process.execPath, [plugin, '--kubeconfig', parent.kubeconfigPath, ...args], { env });
  return stdout.trimEnd();
}

async function kubectl(running: System, kubeconfig: string, args: string[]): Promise<string> {
  const { stdout } = await run(running.clusters.binaries.kubectl, ['--kubeconfig', kubeconfig, ...args]);
  return stdout.trimEnd();
}
