// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  apiVersionOf,
  type ClusterRegistrationRequest,
  type KubeObject,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { exportJWK, generateKeyPair } from 'jose';
import { parse } from 'yaml';
import { eventually } from './testing/eventually.ts';

const cli = fileURLToPath(new URL('../../packages/kubectl-clusternet/dist/main.js', import.meta.url));

let system: System;
let admin: KubeClient;

beforeAll(async () => {
  system = await startSystem({ children: [{ name: 'child1', labels: { region: 'eu' } }], log: () => undefined });
  admin = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
}, 300_000);

afterAll(async () => {
  await admin?.close();
  await system?.close();
}, 60_000);

interface Kubeconfig {
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs the command as kubectl would, with the kubectl of the clusters. */
function run(args: string[], o: { input?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    CLUSTERNET_KUBECTL: system.clusters.binaries.kubectl,
    KUBECONFIG: system.parent.kubeconfigPath,
    ...o.env,
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [cli, ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(o.input ?? '');
  });
}

async function output(...args: string[]): Promise<string> {
  const { code, out, err } = await run(args);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out;
}

describe('clusters', () => {
  it('lists and describes them', async () => {
    expect(await output('clusters')).toMatch(/^NAME +READY +TUNNEL.*\nchild1 +True .* v1\.\d+/);
    expect(await output('clusters', '-o', 'name')).toBe('managedcluster.clusters.clusternet.io/child1\n');
    expect(JSON.parse(await output('clusters', 'child1', '-o', 'json'))).toMatchObject({
      kind: 'ManagedCluster',
      metadata: { name: 'child1' },
    });
    const description = await output('clusters', 'describe', 'child1');
    expect(description).toMatch(/Name: +child1\n/);
    expect(description).toMatch(/Ready +True +ManagedClusterReady/);
    expect(description).toContain('region=eu');
    expect(await output('clusters', '-l', 'region=us')).toBe('');
    expect(await run(['clusters', 'child2'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no cluster is called "child2"'),
    });
  });

  it('gives a kubeconfig of a child that goes through the parent', async () => {
    const config = parse(await output('visit', 'child1')) as { clusters: { cluster: { server: string } }[] };
    const [cluster] = (await admin.resource<KubeObject & { spec: { clusterId: string } }>(resources.managedClusters).list())
      .items;
    const path = `/apis/proxies.clusternet.io/v1alpha1/sockets/${cluster?.spec.clusterId}/proxy/direct`;
    expect(config.clusters[0]?.cluster).toMatchObject({ server: system.parent.server + path });
    const { code, out } = await run(['visit', 'child1', '--', '/bin/sh', '-c', 'cat "$KUBECONFIG"; exit 7']);
    expect([code, out]).toEqual([7, expect.stringMatching(/"server":"http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}"/)]);
  });
});

describe('registration', () => {
  let publicKey: string;

  beforeAll(async () => {
    publicKey = JSON.stringify(await exportJWK((await generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' })).publicKey));
  });

  it('prints how a cluster joins, with a token that works', async () => {
    const { code, out, err } = await run([
      'join-command',
      '--ttl',
      '1h',
      '--cluster-name',
      'child2',
      '--cluster-labels',
      'a=b,c=d',
    ]);
    expect([code, err]).toEqual([0, expect.stringContaining('--parent-url')]);
    expect(out).toContain('helm install clusternet-agent');
    expect(out).toContain(`parentURL=${system.parent.server}`);
    expect(out).toContain("'clusterLabels=a=b\\,c=d'");
    const token = /registrationToken=(\S+)/.exec(out)?.[1] ?? '';
    await using joining = KubeClient.fromOptions({ server: system.parent.server, caPem: system.parent.caPem, token });
    await eventually(() => joining.resource<KubeObject>(resources.clusterRegistrationRequests).create(asking('child2')), 10);
  });

  it('approves and denies requests', async () => {
    const requests = admin.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests);
    const created = await requests.create(asking('child3'));
    const name = created.metadata.name;
    expect(await output('deny', name)).toMatch(new RegExp(`${name} (is )?denied`));
    await eventually(async () => expect((await requests.get({ name })).status?.result).toBe('Denied'), 10);
    expect(await output('approve', 'child3')).toContain(`${name} approved`);
    await eventually(async () => expect((await requests.get({ name })).status?.result).toBe('Approved'), 10);
    expect(await run(['approve', 'nobody'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no registration request "nobody"'),
    });
  });

  function asking(clusterName: string): ClusterRegistrationRequest {
    const clusterId = randomUUID();
    return {
      apiVersion: apiVersionOf(resources.clusterRegistrationRequests),
      kind: 'ClusterRegistrationRequest',
      metadata: { name: `clusternet-${clusterId}` },
      spec: { clusterId, clusterName, syncMode: 'Pull', publicKey },
    };
  }
});

describe('status', () => {
  it('shows every object of a Subscription in every child, and why one is missing', async () => {
    await admin.resource<KubeObject>(resources.manifests).create({
      apiVersion: apiVersionOf(resources.manifests),
      kind: 'Manifest',
      metadata: { name: 'configmaps.default.there', namespace: 'clusternet-reserved' },
      template: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there', namespace: 'default' } },
    });
    const feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' };
    await admin.resource<Subscription>(resources.subscriptions).create({
      apiVersion: apiVersionOf(resources.subscriptions),
      kind: 'Subscription',
      metadata: { name: 'app', namespace: 'default' },
      spec: {
        subscribers: [{ clusterAffinity: { matchLabels: { region: 'eu' } } }],
        feeds: [
          { ...feed, name: 'there' },
          { ...feed, name: 'missing' },
        ],
      },
    });
    await eventually(async () => {
      const tree = await output('status', 'app', '-n', 'default');
      expect(tree).toMatch(/✗ Subscription default\/app +0\/1 clusters done/);
      expect(tree).toMatch(/✗ child1 /);
      expect(tree).toMatch(/✓ ConfigMap default\/there +Deployed/);
      expect(tree).toMatch(/✗ ConfigMap default\/missing +FeedNotFound/);
    });
    expect(JSON.parse(await output('status', 'app', '-o', 'json'))).toMatchObject({
      state: 'failed',
      clusters: [{ name: 'child1' }],
    });
    expect(await run(['status', 'none'])).toMatchObject({ code: 1, err: expect.stringContaining('no Subscription "none"') });
  });
});

describe('doctor', () => {
  it('finds what is broken, and only that', async () => {
    await eventually(async () => {
      const { code, out } = await run(['doctor']);
      expect(code).toBe(1);
      expect(out).toMatch(/^ok {4}parent: Kubernetes v1\./m);
      expect(out).toMatch(/^ok {4}service clusternet-hub: led by /m);
      expect(out).toMatch(/^fail {2}Subscription default\/app: FeedFailed/m);
      expect(out).toContain('kubectl clusternet status app -n default');
    });
    await admin.resource(resources.subscriptions).delete({ namespace: 'default', name: 'app' });
    await eventually(async () => {
      const findings = JSON.parse((await run(['doctor', '-o', 'json'])).out) as { verdict: string; check: string }[];
      const failed = findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check);
      // The two that were let in above, in which no agent runs.
      expect(failed.sort()).toEqual(['cluster child2', 'cluster child3']);
    });
  });
});

describe("kubectl's commands", () => {
  let front: Server;
  const lines: string[] = [];

  beforeAll(async () => {
    // Stands before the parent's API: shadow paths are noted, and answered by the real ones.
    const config = parse(await readFile(system.parent.kubeconfigPath, 'utf8')) as Kubeconfig;
    const [cert, key] = (['client-certificate-data', 'client-key-data'] as const).map((field) =>
      Buffer.from(config.users[0]?.user[field] ?? '', 'base64'),
    );
    front = createServer((incoming, response) => {
      const { url = '', method, headers } = incoming;
      if (url.includes('/apis/shadow/')) lines.push(`${method} ${url}`);
      const path = url.replace('/apis/shadow/v1alpha1/', '/api/v1/');
      const server = new URL(system.parent.server);
      const options = { cert, key, ca: system.parent.caPem, host: server.hostname, port: server.port, path, method };
      const outgoing = request({ ...options, headers: { ...headers, host: server.host } }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      outgoing.on('error', (error) => response.destroy(error));
      incoming.pipe(outgoing);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => new Promise((resolve) => front.close(resolve)));

  const through = (args: string[], input?: string): Promise<Ended> =>
    run([...args, '--server', `http://127.0.0.1:${(front.address() as AddressInfo).port}`], { input });

  it('arrive at the shadow API, with the output and the exit codes of kubectl', async () => {
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain', namespace: 'default' }, data: { a: 'b' } };
    const applied = await through(['apply', '-f', '-'], JSON.stringify(manifest));
    expect(applied).toEqual({ code: 0, out: 'configmap/plain created\n', err: '' });
    expect(lines.map((line) => line.split('?')[0])).toEqual([
      'GET /apis/shadow/v1alpha1/namespaces/default/configmaps/plain',
      'POST /apis/shadow/v1alpha1/namespaces/default/configmaps',
    ]);
    expect((await through(['get', 'configmap', 'plain', '-o', 'jsonpath={.data.a}'])).out).toBe('b');
    expect((await through(['get', 'cm', 'plain'])).out).toMatch(/^NAME +DATA +AGE\nplain +1 /);
    const missing = await through(['get', 'cm', 'none']);
    expect([missing.code, missing.err]).toEqual([1, 'Error from server (NotFound): configmaps "none" not found\n']);
    const changed = JSON.stringify({ ...manifest, data: { a: 'c' } });
    expect(await through(['diff', '-f', '-'], changed)).toMatchObject({ code: 1, out: expect.stringContaining('+  a: c') });
    expect((await through(['delete', 'cm', 'plain'])).out).toContain('configmap "plain" deleted');
    expect((await admin.resource(core.configMaps).find({ namespace: 'default', name: 'plain' })) ?? 'gone').toBe('gone');
  });

  it('are refused where they make no sense, and corrected where mistyped', async () => {
    expect(await run(['logs', 'web'])).toMatchObject({ code: 1, err: expect.stringContaining('--cluster-id') });
    expect(await run(['gte', 'pods'])).toMatchObject({ code: 1, err: expect.stringContaining('did you mean "get"?') });
    expect(await run(['get', 'pods'], { env: { CLUSTERNET_KUBECTL: '', PATH: '/nowhere' } })).toMatchObject({
      code: 127,
      err: expect.stringContaining('kubectl is not on your PATH'),
    });
  });
});
