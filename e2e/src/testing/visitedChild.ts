// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type ManagedCluster, resources } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { startSystem, type System, type SystemOptions, type Workload } from '@clusternet/localup';
import { parse, stringify } from 'yaml';
import { eventually } from './eventually.ts';
import { Kubectl, type RunningKubectl } from './kubectl.ts';
import { logDir } from './logDir.ts';
import { quickElection } from './quickElection.ts';

/** What differs between the systems of {@link VisitedChild}. */
export interface VisitedChildOptions extends Pick<SystemOptions, 'hubs' | 'wayToParent'> {
  agents?: number;
  /** Flags of the agents. */
  agentFlags?: Record<string, string>;
  /** Where the agent says that its cluster can be reached. */
  advertiseURL?: string;
  /** What kwok does for pods beyond running commands, as kinds with their specs. */
  kubelet?: (folder: string) => Record<string, object>;
}

interface Kubeconfig {
  clusters: [{ cluster: { server: string } }];
  users: [{ user: Record<string, unknown> }];
}

/** A parent that takes tunnels and one child, named `child`, that is deployed to and visited through its tunnel. */
export class VisitedChild {
  readonly system: System;
  readonly parent: KubeClient;
  readonly child: KubeClient;
  readonly clusterId: string;
  /** Where commands in pods run; holds the kubeconfigs too. */
  readonly folder: string;
  readonly program: Kubectl;
  /** ConfigMaps in the namespace `default` of the child after {@link VisitedChild.fill}. */
  readonly many = 57;

  private constructor(parts: Pick<VisitedChild, 'system' | 'parent' | 'child' | 'clusterId' | 'folder'>) {
    this.system = parts.system;
    this.parent = parts.parent;
    this.child = parts.child;
    this.clusterId = parts.clusterId;
    this.folder = parts.folder;
    this.program = new Kubectl(parts.system.clusters.binaries.kubectl, parts.folder);
  }

  static async start(options: VisitedChildOptions): Promise<VisitedChild> {
    const { hubs, agents, wayToParent, agentFlags, advertiseURL, kubelet } = options;
    const folder = await mkdtemp(join(tmpdir(), 'tunnel-e2e-'));
    const exec = { execs: [{ local: { workDir: folder, envs: [{ name: 'PATH', value: process.env['PATH'] }] } }] };
    const doneByKwok = Object.entries({ ClusterExec: exec, ...kubelet?.(folder) }).map(([kind, spec]) => ({
      apiVersion: 'kwok.x-k8s.io/v1alpha1',
      kind,
      metadata: { name: kind.toLowerCase() },
      spec,
    }));
    const featureGates = { SocketConnection: true };
    const system = await startSystem({
      hubs,
      children: [{ name: 'child', nodes: 1, agents, syncMode: 'Push', kubelet: doneByKwok }],
      wayToParent,
      values: {
        hub: { extraArgs: quickElection, featureGates },
        scheduler: { extraArgs: quickElection },
        'override-engine': { extraArgs: quickElection },
        agent: {
          extraArgs: { ...quickElection, ...agentFlags },
          featureGates,
          visitors: { enabled: true },
          ...(advertiseURL === undefined ? {} : { advertiseURL }),
        },
      },
      logDir: logDir(),
      log: (line) => process.stderr.write(`${line}\n`),
    });
    const parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
    const child = await KubeClient.fromKubeConfig({ path: system.clusters.cluster('child').kubeconfigPath });
    const [cluster] = (await parent.resource<ManagedCluster>(resources.managedClusters).list()).items;
    return new VisitedChild({ system, parent, child, clusterId: cluster?.spec.clusterId ?? '', folder });
  }

  async close(): Promise<void> {
    await Promise.all([this.parent.close(), this.child.close()]);
    await this.system.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Path of the child's API server in the parent. */
  direct(path = ''): string {
    return `/apis/proxies.clusternet.io/v1alpha1/sockets/${this.clusterId}/proxy/direct${path}`;
  }

  /** Makes `NAME.kubeconfig` of the child through the parent, for somebody whom the admin of the parent speaks for. */
  async writeKubeconfig(name: string, identity: object): Promise<void> {
    const config = parse(this.system.parent.kubeconfig) as Kubeconfig;
    config.clusters[0].cluster.server += this.direct();
    Object.assign(config.users[0].user, identity);
    await writeFile(join(this.folder, `${name}.kubeconfig`), stringify(config));
  }

  service(name: string): Workload {
    const found = this.system.services.find((one) => one.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found.process;
  }

  /** Name of a pod that runs in the namespace `shop` of the child. */
  async pod(): Promise<string> {
    return eventually(async () => {
      const { items } = await this.child.resource(core.pods).list({ namespace: 'shop' });
      const [found] = items.filter((item) => (item['status'] as { phase?: string }).phase === 'Running');
      expect(found).toBeDefined();
      return found?.metadata.name ?? '';
    });
  }

  /** Begins an exec, which echoes, and a watch of ConfigMaps of `shop`; both are under way. */
  async execAndWatch(as: string): Promise<{ exec: RunningKubectl; watch: RunningKubectl }> {
    const exec = this.program.background(as, ['exec', '-i', '-n', 'shop', await this.pod(), '--', 'cat']);
    const watch = this.program.background(as, ['get', 'configmaps', '-n', 'shop', '--watch', '-o', 'name']);
    exec.process.stdin?.write('hello\n');
    await eventually(() => expect(exec.text()).toContain('hello'));
    await eventually(() => expect(watch.text()).toContain('settings'));
    return { exec, watch };
  }

  /** The clusters that are connected, and the streams in their tunnels. */
  async sockets(): Promise<{ metadata: { name: string }; status: { streams?: number } }[]> {
    const { items } = await this.parent.request<{ items: { metadata: { name: string }; status: { streams?: number } }[] }>({
      method: 'GET',
      path: '/apis/proxies.clusternet.io/v1alpha1/sockets',
    });
    return items;
  }

  async streams(): Promise<number> {
    return (await this.sockets())[0]?.status.streams ?? 0;
  }

  /** Makes 50 MB of ConfigMaps, beside the one that each namespace has. */
  async fill(): Promise<void> {
    const data = { text: 'x'.repeat(900_000) };
    await Promise.all(
      Array.from({ length: this.many - 1 }, (_, number) => {
        const metadata = { name: `large-${number}`, namespace: 'default' };
        return this.child.resource(core.configMaps).create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      }),
    );
  }

  /** Removes what {@link VisitedChild.fill} has made. */
  async empty(): Promise<void> {
    const what = { namespace: 'default', fieldSelector: 'metadata.name!=kube-root-ca.crt' };
    await this.child.resource(core.configMaps).deleteCollection(what);
  }
}
