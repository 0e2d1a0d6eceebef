// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries } from './binaries/ensureBinaries.ts';
import { type ClusterCredentials, writeConfigurations, writeCredentials } from './clusterFiles.ts';
import {
  apiServerArguments,
  type ClusterLayout,
  controllerManagerArguments,
  type EtcdLayout,
  kwokArguments,
  schedulerArguments,
} from './components.ts';
import { LocalupError } from './errors.ts';
import { KubeApi, until } from './kubeApi.ts';
import { kubeconfigYaml } from './kubeconfig.ts';
import { logTail } from './logTail.ts';
import { createNodes, type NodeCapacity, nodeObjects, nodesReady } from './nodes.ts';
import { freePort } from './ports.ts';
import { ended, portWasTaken, startOnFreePorts } from './startOnFreePorts.ts';
import { isStopped } from './supervisor/processTable.ts';
import { type SupervisedProcess, type Supervisor } from './supervisor/supervisor.ts';

/** What a cluster is to be. */
export interface ClusterOptions {
  /** Unique in the set; a DNS label. */
  name: string;
  /** Number of simulated nodes; with none there is neither kwok nor a scheduler, and pods stay Pending. */
  nodes?: number;
  capacity?: NodeCapacity;
  /** Write an audit log: one line of JSON per finished request, without bodies. */
  auditLog?: boolean;
  /** Further arguments of the kube-apiserver. */
  apiServerArgs?: string[];
  /** What kwok does for kubelets beyond making pods run: ClusterExec, ClusterLogs, ClusterPortForward and their like. */
  kubelet?: object[];
}

const graceMs = 15_000;
const portRetryMs = 15_000;

/** One running cluster. {@link Cluster.stop} and its like act on its API server; its data stays until the set is closed. */
export class Cluster {
  readonly name: string;
  /** The API server's address; stays the same across restarts. */
  readonly server: string;
  /** A kubeconfig of a cluster admin. */
  readonly kubeconfigPath: string;
  readonly kubeconfig: string;
  readonly caPem: string;
  readonly nodes: number;
  /** The audit log, if asked for. */
  readonly auditLogPath: string | undefined;
  /** Requests to the cluster as its admin, for localup's own needs and simple tests. */
  readonly api: KubeApi;
  /** What runs processes that end with the set. */
  readonly supervisor: Supervisor;
  readonly binaries: Binaries;
  /** A folder for files that belong to the cluster and end with it. */
  readonly folder: string;
  readonly logDir: string;
  readonly #start: StartedCluster;

  /** Use {@link startCluster}. */
  constructor(start: StartedCluster) {
    this.#start = start;
    const { layout } = start;
    this.name = layout.name;
    this.server = start.server;
    this.kubeconfigPath = start.kubeconfigPath;
    this.kubeconfig = start.kubeconfig;
    this.caPem = start.credentials.caPem;
    this.nodes = start.options.nodes ?? 0;
    this.auditLogPath = layout.auditLogPath;
    this.api = start.api;
    this.supervisor = start.supervisor;
    this.binaries = start.binaries;
    this.folder = layout.folder;
    this.logDir = start.logFolder;
  }

  /** The running processes of this cluster, by name. */
  get pids(): Record<string, number> {
    const running = Object.entries(this.#start.processes).filter(([, { exit }]) => !exit);
    return Object.fromEntries(running.map(([name, { pid }]) => [name, pid]));
  }

  /** Ends the API server in order. The other parts go on, as they would in a real outage. */
  async stop(): Promise<void> {
    const server = this.#apiServer;
    await server.signal('SIGCONT');
    await server.signal('SIGTERM');
    const late = new AbortController();
    await Promise.race([server.exited, sleep(graceMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    await this.kill();
  }

  /** Ends the API server at once. */
  async kill(): Promise<void> {
    await this.#apiServer.signal('SIGKILL');
    await this.#apiServer.exited;
  }

  /** Stops the API server if it runs, and starts it again: same address, same data. Resolves when it is ready. */
  async restart(): Promise<void> {
    if (!this.#apiServer.exit) await this.stop();
    const { layout, processes } = this.#start;
    // Anybody may have been given the port while it was free; it is asked for again until it is.
    for (const deadline = Date.now() + portRetryMs; ; await sleep(300)) {
      await rm(logPathOf(this.#start, 'kube-apiserver'), { force: true });
      processes['kube-apiserver'] = await runApiServer(this.#start, layout);
      try {
        await apiServerReady(this.#start);
        break;
      } catch (cause) {
        const log = logPathOf(this.#start, 'kube-apiserver');
        if (this.#apiServer.exit && (await portWasTaken(log)) && Date.now() < deadline) continue;
        throw new LocalupError(`${this.name} did not come back; its log ends with\n${await logTail(log)}`, { cause });
      }
    }
    await runFollowers(this.#start);
  }

  /** Freezes the API server: connections stay open and nothing answers. Resolves when it stands still. */
  async pause(): Promise<void> {
    const server = this.#apiServer;
    await server.signal('SIGSTOP');
    await until({
      what: `${this.name}: API server stopped`,
      timeoutMs: 60_000,
      intervalMs: 5,
      question: async () => isStopped(server.pid) || undefined,
    });
  }

  /** Ends a {@link pause}. */
  async resume(): Promise<void> {
    await this.#apiServer.signal('SIGCONT');
  }

  get #apiServer(): SupervisedProcess {
    const server = this.#start.processes['kube-apiserver'];
    if (!server) throw new LocalupError(`${this.name} has no API server`);
    return server;
  }
}

interface StartedCluster {
  options: ClusterOptions;
  supervisor: Supervisor;
  binaries: Binaries;
  layout: ClusterLayout;
  logFolder: string;
  credentials: ClusterCredentials;
  server: string;
  kubeconfigPath: string;
  kubeconfig: string;
  api: KubeApi;
  processes: Record<string, SupervisedProcess>;
}

/** Starts one cluster on a running etcd; resolves when it serves, its controllers work and its nodes are Ready. */
export async function startCluster(options: {
  cluster: ClusterOptions;
  index: number;
  supervisor: Supervisor;
  binaries: Binaries;
  etcd: EtcdLayout;
  /** The set's folder. */
  folder: string;
  logFolder: string;
}): Promise<Cluster> {
  const { cluster, supervisor, binaries, logFolder } = options;
  const { name } = cluster;
  const folder = join(options.folder, name);
  const credentials = await writeCredentials(folder, name);
  const base = { name, index: options.index, folder, etcd: options.etcd, port: 0, kwokPort: 0 };
  const audit = cluster.auditLog ? { auditLogPath: join(folder, 'audit.log') } : {};
  const kubeconfigPath = join(options.folder, `${name}.kubeconfig`);
  let start: StartedCluster | undefined;
  const logPath = join(logFolder, `${name}-kube-apiserver.log`);
  const server = await startOnFreePorts({
    logPath,
    start: async () => {
      await start?.api.close();
      const layout: ClusterLayout = { ...base, ...audit, port: await freePort() };
      const address = `https://127.0.0.1:${layout.port}`;
      const kubeconfig = kubeconfigYaml({
        name,
        server: address,
        caPem: credentials.caPem,
        user: { certificate: credentials.admin },
      });
      start = {
        options: cluster,
        supervisor,
        binaries,
        layout,
        logFolder,
        credentials,
        server: address,
        kubeconfigPath,
        kubeconfig,
        api: new KubeApi({ server: address, caPem: credentials.caPem, certificate: credentials.admin }),
        processes: {},
      };
      await writeConfigurations(folder, { name, server: address, credentials, kubelet: cluster.kubelet });
      await writeFile(kubeconfigPath, kubeconfig, { mode: 0o600 });
      const started = await runApiServer(start, layout);
      start.processes['kube-apiserver'] = started;
      return started;
    },
    ready: async () => {
      if (start) await apiServerReady(start);
    },
  });
  if (!start) throw new LocalupError(`${server.name} did not start`);
  await bringToLife(start);
  return new Cluster(start);
}

async function bringToLife(start: StartedCluster): Promise<void> {
  const { api, options } = start;
  const count = options.nodes ?? 0;
  await createNodes(api, nodeObjects(options.name, count, options.capacity));
  await runFollowers(start);
  // Pods cannot be made in the default namespace before the controller manager has made its ServiceAccount.
  await until({
    what: `${options.name}: ServiceAccount of the default namespace`,
    timeoutMs: 180_000,
    question: () => api.find('/api/v1/namespaces/default/serviceaccounts/default'),
    hopeless: () => Object.values(start.processes).map(ended).find(Boolean),
  });
  await nodesReady(api, count);
}

/** Starts the parts that follow the API server, those that do not run. */
async function runFollowers(start: StartedCluster): Promise<void> {
  const { layout, processes } = start;
  const missing = (name: string): boolean => !processes[name] || processes[name].exit !== undefined;
  if (missing('kube-controller-manager')) {
    processes['kube-controller-manager'] = await run(start, 'kube-controller-manager', controllerManagerArguments(layout));
  }
  if (!start.options.nodes) return;
  if (missing('kube-scheduler')) {
    processes['kube-scheduler'] = await run(start, 'kube-scheduler', schedulerArguments(layout));
  }
  if (missing('kwok')) {
    layout.kwokPort = await freePort();
    processes['kwok'] = await run(start, 'kwok', kwokArguments(layout));
  }
}

async function runApiServer(start: StartedCluster, layout: ClusterLayout): Promise<SupervisedProcess> {
  return run(start, 'kube-apiserver', [...apiServerArguments(layout), ...(start.options.apiServerArgs ?? [])]);
}

async function run(
  start: StartedCluster,
  component: 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok',
  args: string[],
): Promise<SupervisedProcess> {
  return start.supervisor.run({
    name: `${start.layout.name}/${component}`,
    file: start.binaries[component],
    args,
    // Whoever has kwok run commands of this machine wants them to be found.
    env: { HOME: start.layout.folder, ...(start.options.kubelet && { PATH: process.env['PATH'] ?? '' }) },
    logPath: logPathOf(start, component),
  });
}

function logPathOf(start: StartedCluster, component: string): string {
  return join(start.logFolder, `${start.layout.name}-${component}.log`);
}

async function apiServerReady(start: StartedCluster): Promise<void> {
  const server = start.processes['kube-apiserver'];
  await until({
    what: `${start.layout.name}: API server ready`,
    timeoutMs: 300_000,
    intervalMs: 100,
    hopeless: () => server && ended(server),
    question: async () => {
      const { status, body } = await start.api.text('GET', '/readyz');
      if (status !== 200) throw new Error(body.split('\n').find((line) => line.startsWith('[-]')) ?? `${status}`);
      return true;
    },
  });
}
