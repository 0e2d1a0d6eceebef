// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ClusterSet, startClusters } from './clusters.ts';
import { type AnyObject, type KubeApi, until } from './kubeApi.ts';
import { endLeftovers } from './supervisor/leftovers.ts';
import { startTimeOf } from './supervisor/processTable.ts';

interface PodList {
  items: { status: { phase: string }; spec: { nodeName?: string } }[];
}

let set: ClusterSet;

beforeAll(async () => {
  set = await startClusters({ parent: { auditLog: true }, children: [{ name: 'edge', nodes: 2, capacity: { cpu: '4' } }] });
});
afterAll(async () => {
  await set.close();
});

describe('a set of clusters', () => {
  it('runs pods on the nodes of a child', async () => {
    const { api } = set.cluster('edge');
    await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', 3));
    const nodes = await runningPods(api, 3);
    expect(new Set(nodes)).toEqual(new Set(['edge-node-1', 'edge-node-2']));
    const node = await api.request<{ status: { capacity: Record<string, string> } }>('GET', '/api/v1/nodes/edge-node-1');
    expect(node.status.capacity).toMatchObject({ cpu: '4', pods: '110' });
  });

  it('keeps clusters apart', async () => {
    const { items } = await set.parent.api.request<{ items: AnyObject[] }>('GET', '/apis/apps/v1/deployments');
    expect(items).toEqual([]);
    expect(set.parent.caPem).not.toBe(set.cluster('edge').caPem);
  });

  it('keeps address and data when an API server is killed and comes back, and its controllers go on', async () => {
    const edge = set.cluster('edge');
    const before = edge.pids['kube-apiserver'];
    await edge.kill();
    await expect(edge.api.text('GET', '/readyz')).rejects.toThrow();
    await edge.restart();
    expect(edge.pids['kube-apiserver']).not.toBe(before);
    await edge.api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('late', 2));
    await runningPods(edge.api, 5);
  });

  it('answers again after a pause', async () => {
    const { parent } = set;
    await parent.pause();
    const answer = parent.api.text('GET', '/readyz');
    await parent.resume();
    expect((await answer).status).toBe(200);
  });

  it('writes who did what into the audit log', async () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seen' }, data: { hidden: 'body' } };
    await set.parent.api.request('POST', '/api/v1/namespaces/default/configmaps', configMap);
    const line = await until({
      what: 'audit line',
      timeoutMs: 60_000,
      question: async () =>
        (await readFile(set.parent.auditLogPath ?? '', 'utf8')).split('\n').find((text) => text.includes('"seen"')),
    });
    expect(JSON.parse(line)).toMatchObject({ level: 'Metadata', verb: 'create', user: { username: 'localup-admin' } });
    expect(line).not.toContain('body');
  });
});

describe('the end of the starter', () => {
  it('by SIGKILL leaves no process and no folder', async () => {
    const { starter, started } = await start();
    starter.kill('SIGKILL');
    await gone(started);
    expect(existsSync(started.dir)).toBe(false);
  });

  it('by Ctrl-C leaves no process and no folder', async () => {
    const { starter, started } = await start();
    starter.kill('SIGINT');
    await gone(started);
    expect(existsSync(started.dir)).toBe(false);
  });

  it('together with the supervisor leaves what the next start removes', async () => {
    const { starter, started } = await start();
    // The starter first: it would clean up after its supervisor.
    starter.kill('SIGSTOP');
    process.kill(started.supervisor, 'SIGKILL');
    starter.kill('SIGKILL');
    await until({
      what: 'supervisor gone',
      timeoutMs: 60_000,
      question: async () => !startTimeOf(started.supervisor) || undefined,
    });
    expect(started.pids.every((pid) => startTimeOf(pid) !== undefined)).toBe(true);
    expect(await endLeftovers(started.dir)).toBe(true);
    await gone(started);
    expect(existsSync(started.dir)).toBe(false);
  });
});

interface Started {
  dir: string;
  supervisor: number;
  pids: number[];
}

async function start(): Promise<{ starter: ReturnType<typeof spawn>; started: Started }> {
  const starter = spawn(
    process.execPath,
    ['--conditions=@clusternet/source', join(import.meta.dirname, 'testing', 'starter.ts')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
  return { starter, started: JSON.parse(line) as Started };
}

async function gone({ supervisor, pids }: Started): Promise<void> {
  await until({
    what: 'all processes gone',
    timeoutMs: 60_000,
    question: async () => [supervisor, ...pids].every((pid) => startTimeOf(pid) === undefined) || undefined,
  });
}

async function runningPods(api: KubeApi, count: number): Promise<(string | undefined)[]> {
  return until({
    what: `${count} pods Running`,
    timeoutMs: 60_000,
    question: async () => {
      const { items } = await api.request<PodList>('GET', '/api/v1/namespaces/default/pods');
      const running = items.filter(({ status }) => status.phase === 'Running');
      return running.length === count ? running.map(({ spec }) => spec.nodeName) : undefined;
    },
  });
}

function deployment(name: string, replicas: number): AnyObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'example.test/main:1' }] } },
    },
  };
}
