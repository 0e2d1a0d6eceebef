// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { commonConfig } from './commonConfig.ts';
import { duration } from './duration.ts';
import { helpText } from './help.ts';
import { loadConfig } from './loadConfig.ts';
import { parseFlags } from './parseFlags.ts';
import { printConfig } from './printConfig.ts';
import { kebabCase, settingsOf } from './setting.ts';
import { UsageError } from './usageError.ts';

const schema = z.object({
  ...commonConfig('clusternet-agent').shape,
  securePort: z.int().default(10_651).describe('port of this service'),
  clusterRegToken: z.string().optional().describe('token to register with'),
  clusterRegParentUrl: z.string().describe('URL of the parent'),
  clusterSyncMode: z.enum(['Push', 'Pull', 'Dual']).default('Pull').describe('who deploys'),
  labelsAggregatePrefix: z.array(z.string()).default(['node.clusternet.io/']).describe('prefixes of labels'),
  clusterLabels: z.record(z.string(), z.string()).default({}).describe('labels of the cluster'),
  useMetricsServer: z.boolean().default(false).describe('ask the metrics server'),
  statusFrequency: duration().default(180_000).describe('time between heartbeats'),
  labelsAggregateThreshold: z.number().min(0).max(1).default(0.8).describe('share of nodes'),
  oldFlag: z.string().optional().meta({ hidden: true }),
});
const settings = settingsOf(schema);
const required = ['--cluster-reg-parent-url=https://parent'];

const load = (argv: string[], env: Record<string, string> = {}) =>
  loadConfig(schema, settings, { flags: parseFlags([...required, ...argv], settings), env });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(text: string): Promise<string> {
  const path = join(folder, 'config.yaml');
  await writeFile(path, text);
  return `--config=${path}`;
}

describe('settings', () => {
  it('are named after their keys', () => {
    expect(['kubeApiQps', 'v', 'clusterRegParentUrl', 'tlsCertFile', 'useHTTP2Server'].map(kebabCase)).toEqual([
      'kube-api-qps',
      'v',
      'cluster-reg-parent-url',
      'tls-cert-file',
      'use-http2-server',
    ]);
    expect(settings.find(({ key }) => key === 'kubeApiQps')).toMatchObject({
      variable: 'CLUSTERNET_KUBE_API_QPS',
      kind: 'number',
      required: false,
    });
  });

  it('have the defaults of every service and those a service sets itself', async () => {
    expect(await load([])).toMatchObject({
      kubeApiQps: 50,
      kubeApiBurst: 100,
      leaderElect: true,
      leaderElectLeaseDuration: 15_000,
      leaderElectRenewDeadline: 10_000,
      leaderElectRetryPeriod: 2_000,
      leaderElectResourceName: 'clusternet-agent',
      leaderElectResourceNamespace: 'clusternet-system',
      securePort: 10_651,
      loggingFormat: 'text',
      v: 2,
    });
  });

  it('are read from flags in every spelling', async () => {
    const config = await load([
      '-v4',
      '--kube-api-qps',
      '7.5',
      '--leader-elect=false',
      '--use-metrics-server',
      '--status-frequency=20s',
      '--kube_api_burst=9',
    ]);
    expect(config).toMatchObject({
      v: 4,
      kubeApiQps: 7.5,
      leaderElect: false,
      useMetricsServer: true,
      statusFrequency: 20_000,
      kubeApiBurst: 9,
    });
    expect(await load(['-v', '3'])).toMatchObject({ v: 3 });
    expect(await load(['--v=5'])).toMatchObject({ v: 5 });
  });

  it('take repeated lists, the first replacing the default, and maps', async () => {
    const config = await load([
      '--labels-aggregate-prefix=a/',
      '--labels-aggregate-prefix',
      'b/',
      '--cluster-labels=a=1,b=2',
      '--cluster-labels=c=3',
    ]);
    expect(config.labelsAggregatePrefix).toEqual(['a/', 'b/']);
    expect(config.clusterLabels).toEqual({ a: '1', b: '2', c: '3' });
  });

  it('let flags win over variables, those over the file, that over the defaults', async () => {
    const config = await load(['--kube-api-qps=1', await file('kubeApiQps: 3\nkubeApiBurst: 3\nv: 3\nstatusFrequency: 9s\n')], {
      CLUSTERNET_KUBE_API_QPS: '2',
      CLUSTERNET_KUBE_API_BURST: '2',
      CLUSTERNET_LABELS_AGGREGATE_PREFIX: 'x/, y/',
      CLUSTERNET_CLUSTER_REG_TOKEN: '',
    });
    expect(config).toMatchObject({
      kubeApiQps: 1,
      kubeApiBurst: 2,
      v: 3,
      statusFrequency: 9_000,
      labelsAggregatePrefix: ['x/', 'y/'],
    });
    expect(config.clusterRegToken).toBeUndefined();
  });

  it('ignore the variables that Kubernetes itself makes for Services', async () => {
    await expect(
      load([], { CLUSTERNET_HUB_SERVICE_HOST: '10.0.0.1', CLUSTERNET_HUB_PORT: 'tcp://10.0.0.1:443' }),
    ).resolves.toBeDefined();
  });

  it.each([
    [['--kube-api-qpss=1'], 'unknown flag --kube-api-qpss; did you mean --kube-api-qps?'],
    [['--zzzzzzzzzzzzz'], /^unknown flag --zzzzzzzzzzzzz$/],
    [['extra'], '"extra" is not a flag'],
    [['--'], '"--" is not a flag'],
    [['--kube-api-qps'], '--kube-api-qps needs a value'],
    [['--kube-api-qps=fast'], '--kube-api-qps must be a number, not "fast"'],
    [['--kube-api-qps=-1'], '--kube-api-qps: '],
    [['--leader-elect=perhaps'], '--leader-elect must be true or false'],
    [['--cluster-sync-mode=Both'], '--cluster-sync-mode: '],
    [['--status-frequency=3x'], '--status-frequency: must be a duration such as 20s, 3m or 1h30m'],
    [['--cluster-labels=a'], '--cluster-labels must be written as key=value,key=value'],
    [['--config=/does/not/exist.yaml'], 'the configuration file /does/not/exist.yaml cannot be read'],
  ])('refuse %j', async (argv, message) => {
    const outcome = (async () => load(argv))();
    await expect(outcome).rejects.toBeInstanceOf(UsageError);
    await expect(outcome).rejects.toThrow(message);
  });

  it('name what is required', async () => {
    await expect(loadConfig(schema, settings, { flags: parseFlags([], settings), env: {} })).rejects.toThrow(
      '--cluster-reg-parent-url is required',
    );
  });

  it('name a wrong variable and a wrong setting of a file as they were written', async () => {
    await expect(load([], { CLUSTERNET_KUBE_API_QPS: 'x' })).rejects.toThrow('CLUSTERNET_KUBE_API_QPS must be a number');
    await expect(load([await file('kubeApiQps: x')])).rejects.toThrow(/kubeApiQps in .*config\.yaml: /);
    await expect(load([await file('kubeAPIQps: 3')])).rejects.toThrow('did you mean kubeApiQps?');
    await expect(load([await file('- a')])).rejects.toThrow('must hold a mapping');
    await expect(load([await file('a: [')])).rejects.toThrow('is not valid YAML');
  });

  it('do not repeat the value of a secret in an error', async () => {
    const strict = z.object({ clusterRegToken: z.string().regex(/^[a-z]+$/, 'must be a token') });
    const own = settingsOf(strict);
    const flags = parseFlags(['--cluster-reg-token=S3SAME'], own);
    await expect(loadConfig(strict, own, { flags, env: {} })).rejects.toThrow(/^--cluster-reg-token: must be a token$/);
  });
});

describe('printConfig', () => {
  it('prints what --config takes, without secrets', async () => {
    const config = await load([
      '--cluster-reg-token=sesame',
      '--kubeconfig=/etc/kubeconfig',
      '--tls-private-key-file=/etc/tls.key',
    ]);
    const text = printConfig(config, settings);
    expect(text).not.toContain('sesame');
    expect(text).toContain('statusFrequency: 3m0s\n');
    expect(text).toContain('kubeconfig: /etc/kubeconfig\n');
    expect(text).toContain('tlsPrivateKeyFile: /etc/tls.key\n');
    const again = await load([await file(text)]);
    expect({ ...again, clusterRegToken: undefined }).toEqual({ ...config, clusterRegToken: undefined });
  });
});

describe('helpText', () => {
  const text = helpText({ name: 'clusternet-agent', description: 'The agent.', settings, gates: { AppPusher: false } });

  it('lists every flag with its description and default', () => {
    for (const { flag, description, hidden } of settings) {
      if (hidden) expect(text).not.toContain(`--${flag}`);
      else expect(text).toMatch(new RegExp(`--${flag}\\b.*${description.slice(0, 20).replace(/[.*+?^$()]/g, '\\$&')}`));
    }
    expect(text).toMatch(/--status-frequency duration +time between heartbeats \(default 3m0s\)/);
    expect(text).toMatch(/--labels-aggregate-prefix strings .*\(default node\.clusternet\.io\/\)/);
    expect(text).toMatch(/--cluster-sync-mode string .*\(one of Push, Pull, Dual\) \(default Pull\)/);
    expect(text).toMatch(/--cluster-reg-parent-url string .*\(required\)/);
    expect(text).toContain('AppPusher=false');
  });

  it('knows the built-in flags', () => {
    const flags = parseFlags(['--help', '--version', '--print-config', '--config', 'x'], settings);
    expect(flags).toEqual({ values: {}, help: true, version: true, printConfig: true, configFile: 'x' });
    for (const flag of ['--help', '--version', '--print-config', '--config']) expect(text).toContain(flag);
  });
});
