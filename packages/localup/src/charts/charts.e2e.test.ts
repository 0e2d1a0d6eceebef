// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClusterSet, startClusters } from '../clusters.ts';
import { installChart, uninstallChart } from './installChart.ts';
import { type LocalProcess } from './localProcess.ts';
import { startWorkload } from './startWorkload.ts';

const testing = join(import.meta.dirname, '..', 'testing');
const namespace = 'echo-system';

interface Echo {
  args: string[];
  env: Record<string, string>;
  kubeconfig: string;
  pid: number;
}

let set: ClusterSet;
let workload: LocalProcess;

beforeAll(async () => {
  set = await startClusters({ parent: true });
  await install({ token: 'first' });
  workload = await startWorkload({
    cluster: set.parent,
    namespace,
    deployment: 'echo',
    entrypoints: { 'clusternet/echo': join(testing, 'echoService.ts') },
  });
  await workload.waitReady();
});
afterAll(async () => {
  await set.close();
});

describe('a Deployment that runs as a local process', () => {
  it('has the arguments and environment that the chart gave', async () => {
    const { args, env } = await echo();
    expect(args).toContain('--greeting=hello');
    expect(args.filter((arg) => arg.startsWith('--secure-port'))).toEqual([`--secure-port=${workload.port}`]);
    expect(env).toMatchObject({ NAMESPACE: namespace, TOKEN: 'first', GREETING: 'hello', HOME: workload.folder });
    expect(await readFile(args.find((arg) => arg.startsWith('--ca='))?.slice(5) ?? '', 'utf8')).toBe('certificate');
  });

  it('has the rights of its ServiceAccount and no others', async () => {
    const { args } = await echo();
    const kubeconfig = args.find((arg) => arg.startsWith('--kubeconfig=')) ?? '';
    const may = async (verb: string, resource: string): Promise<string> => {
      const run = promisify(execFile)(set.binaries.kubectl, [kubeconfig, 'auth', 'can-i', verb, resource]);
      const { stdout } = await run.catch((cause: unknown) => cause as { stdout: string });
      return stdout.trim();
    };
    expect(await may('list', 'configmaps')).toBe('yes');
    expect(await may('list', 'secrets')).toBe('no');
  });

  it('takes up what changed in the chart when it is restarted after a kill, on the same port', async () => {
    const { pid } = await echo();
    await install({ token: 'second', greeting: 'again' });
    await workload.kill();
    await workload.restart();
    await workload.waitReady();
    const after = await echo();
    expect(after.pid).not.toBe(pid);
    expect(after.args).toContain('--greeting=again');
    expect(after.env['TOKEN']).toBe('second');
    expect(await readFile(workload.logPath, 'utf8')).toMatch(/listens\n.*listens/s);
  });

  it('ends in order', async () => {
    expect(await workload.stop()).toMatchObject({ signal: 'SIGTERM' });
  });
});

describe('helm', () => {
  it("says in its own words what is wrong with a chart's values", async () => {
    await expect(install({ token: { not: 'text' } })).rejects.toThrow(/helm upgrade --install echo: .*Secret/s);
  });

  it('removes a release', async () => {
    await uninstallChart({ cluster: set.parent, release: 'echo', namespace });
    expect(await set.parent.api.find(`/apis/apps/v1/namespaces/${namespace}/deployments/echo`)).toBeUndefined();
  });
});

async function install(values: Record<string, unknown>): Promise<string> {
  return installChart({ cluster: set.parent, chartDir: join(testing, 'chart'), release: 'echo', namespace, values });
}

async function echo(): Promise<Echo> {
  const response = await fetch(`http://127.0.0.1:${workload.port}/`);
  return (await response.json()) as Echo;
}
