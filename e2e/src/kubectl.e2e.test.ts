// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
import {
  createBootstrapToken,
  ensureBinaries,
  installChart,
  newestKubectl,
  startSystem,
  startWorkload,
  type System,
  type Workload,
} from '@clusternet/localup';
import { exportJWK, generateKeyPair } from 'jose';
import { parse } from 'yaml';
import { eventually } from './testing/eventually.ts';
import { logDir } from './testing/logDir.ts';

const repositoryFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const cli = repositoryFile('packages/kubectl-clusternet/dist/main.js');

let system: System;
let admin: KubeClient;

beforeAll(async () => {
  system = await startSystem({
    children: [{ name: 'child1', labels: { region: 'eu' } }],
    values: { hub: { featureGates: { ShadowAPI: true } } },
    logDir: logDir(),
    log: () => undefined,
  });
  admin = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
}, 1_200_000);

afterAll(async () => {
  await admin?.close();
  await system?.close();
}, 120_000);

interface Ended {
  code: number;
  out: string;
  err: string;
}

interface Running {
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** Ends it. */
  signal?: AbortSignal;
  /** Given what is printed, as it is printed. */
  onOutput?: (text: string) => void;
}

/** Runs the command as kubectl would, with the kubectl of the clusters. */
function run(args: string[], o: Running = {}): Promise<Ended> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    CLUSTERNET_KUBECTL: system.clusters.binaries.kubectl,
    KUBECONFIG: system.parent.kubeconfigPath,
    ...o.env,
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [cli, ...args], { env, signal: o.signal }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
    if (o.onOutput) child.stdout?.on('data', o.onOutput);
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

  it('says whether all is well with them', async () => {
    expect(await run(['clusters', 'health'])).toMatchObject({ code: 0, out: expect.stringMatching(/\nchild1 +True/) });
  });

  it('are not visited where the hub takes no tunnels: it says what to install', async () => {
    for (const args of [
      ['visit', 'child1'],
      ['visit', 'child1', '--', 'true'],
      ['get', 'pods', '--cluster-id', 'child1'],
    ]) {
      const { code, err } = await run(args);
      expect([args, code]).toEqual([args, 1]);
      expect(err).toContain('featureGates.SocketConnection=true');
    }
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
    await eventually(() => joining.resource<KubeObject>(resources.clusterRegistrationRequests).create(asking('child2')));
  });

  it('approves and denies requests', async () => {
    const requests = admin.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests);
    const created = await requests.create(asking('child3'));
    const name = created.metadata.name;
    expect(await output('deny', name)).toMatch(new RegExp(`${name} (is )?denied`));
    await eventually(async () => expect((await requests.get({ name })).status?.result).toBe('Denied'));
    expect(await output('approve', 'child3')).toContain(`${name} approved`);
    await eventually(async () => expect((await requests.get({ name })).status?.result).toBe('Approved'));
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
  let folder: string;
  const editor = (): string => join(folder, 'editor');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clusternet-kubectl-'));
    await writeFile(editor(), '#!/bin/sh\nexec sed -i \'s/nginx:1.29/nginx:1.31/\' "$1"\n', { mode: 0o755 });
    await writeFile(join(folder, 'page.txt'), 'hello\n');
    await eventually(async () => expect(await run(['get', 'configmaps', '-n', 'nowhere'])).toMatchObject({ code: 0 }));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Both releases that have to work: the newest, and the oldest that is still supported, which is that of the clusters.
  describe.each([
    ['newest', newestKubectl, process.env],
    ['oldest', 'kubectl', { ...process.env, PATH: '' }],
  ] as const)('of the %s release work on templates', (release, name, env) => {
    const namespace = `shop-${release}`;
    let kubectl = '';

    beforeAll(async () => {
      kubectl = (await ensureBinaries({ names: [name], env }))[name] ?? '';
    }, 600_000);

    const command = (args: string[], input?: string): Promise<Ended> =>
      run(['-n', namespace, ...args], {
        input,
        env: { CLUSTERNET_KUBECTL: kubectl, KUBE_EDITOR: editor(), KUBECACHEDIR: join(folder, release) },
      });

    /** What a command prints, that has to go well and to warn of nothing. */
    const printed = async (line: string, input?: string): Promise<string> => {
      const { code, out, err } = await command(line.split(' '), input);
      expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
      return out;
    };

    const shop = (replicas = 3): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: hello }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: 'nginx:1.29' }] }
`;
    const image = 'get deployment web -o jsonpath={.spec.template.spec.containers[0].image}';

    it('apply, diff, edit and get them', async () => {
      // Newer ones look for the namespace where they do not find the object.
      expect(await printed(`create namespace ${namespace}`)).toBe(`namespace/${namespace} created\n`);
      expect(await printed('apply -f -', shop())).toBe('configmap/settings created\ndeployment.apps/web created\n');
      expect(await printed('apply -f -', shop())).toBe('configmap/settings unchanged\ndeployment.apps/web unchanged\n');
      expect(await printed('diff -f -', shop())).toBe('');
      expect(await command(['diff', '-f', '-'], shop(5))).toMatchObject({
        code: 1,
        out: expect.stringMatching(/-  replicas: 3\n\+  replicas: 5/),
      });
      expect(await printed('apply -f - --dry-run=server', shop(5))).toContain('web configured (server dry run)');
      expect(await printed('get deploy,cm')).toMatch(/deployment.apps\/web +0\/3 [^]*configmap\/settings +1 /);
      expect(await printed('apply -f -', shop(5))).toContain('deployment.apps/web configured');
      expect(await printed('get deploy -o wide')).toMatch(
        /^NAME .* CONTAINERS +IMAGES +SELECTOR\nweb +0\/5 .* nginx:1.29 +app=web/,
      );
      expect(await printed('get all -o name')).toBe('deployment.apps/web\n');
      expect(JSON.parse(await printed('get deploy web -o json'))).toMatchObject({ apiVersion: 'apps/v1', spec: { replicas: 5 } });
      expect(parse(await printed('get cm settings -o yaml'))).toMatchObject({ data: { greeting: 'hello' } });
      expect(await printed('get cm -o custom-columns=N:.metadata.name,G:.data.greeting')).toBe(
        'N          G\nsettings   hello\n',
      );
      expect(await printed('describe deployment web')).toMatch(/Replicas: +5 desired[^]*Image: +nginx:1.29/);
      expect(await printed('edit deployment web')).toBe('deployment.apps/web edited\n');
      expect(await printed(image)).toBe('nginx:1.31');
    });

    it('change single things', async () => {
      expect(await printed('scale deployment web --replicas=2')).toBe('deployment.apps/web scaled\n');
      expect(await printed('get deployment web --subresource=scale')).toMatch(/^NAME +DESIRED +AVAILABLE +AGE\nweb +2 +0 /);
      expect(await command('get deployment none -n nowhere'.split(' '))).toMatchObject({
        err: 'Error from server (NotFound): deployments.apps "none" not found\n',
      });
      expect(await printed('api-resources -o name')).not.toContain('deployments.shadow');
      await printed('label deployment web tier=front');
      await printed('annotate deployment web note=here');
      await printed('set image deployment/web web=nginx:1.32');
      await command([
        'patch',
        'deployment',
        'web',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"web","tty":true}]}}}}',
      ]);
      await printed('rollout restart deployment web');
      expect(JSON.parse(await printed('get deployment -l tier=front -o json'))).toMatchObject({
        items: [
          {
            metadata: { annotations: { note: 'here' }, labels: { tier: 'front' } },
            spec: { replicas: 2, template: { spec: { containers: [{ image: 'nginx:1.32', tty: true }] } } },
          },
        ],
      });
    });

    it('create them from what is said on the command line', async () => {
      expect(await printed('create deployment made --image=nginx --replicas=2')).toBe('deployment.apps/made created\n');
      await printed(`create configmap made --from-literal=a=b --from-file=${join(folder, 'page.txt')}`);
      await printed('create secret generic made --from-literal=a=b');
      await printed('create service nodeport made --tcp=80 --node-port=30123');
      await printed('create job made --image=busybox -- sleep 5');
      await printed('create role made --verb=get --resource=pods');
      await printed('expose deployment made --name=exposed --port=80');
      await printed('run single --image=nginx --port=80');
      expect(await printed('get deploy made -o jsonpath={.spec.replicas}/{.spec.template.spec.containers[0].image}')).toBe(
        '2/nginx',
      );
      expect(JSON.parse(await printed('get cm made -o jsonpath={.data}'))).toEqual({ a: 'b', 'page.txt': 'hello\n' });
      expect(await printed('get svc made -o jsonpath={.spec.type}/{.spec.ports[0].nodePort}/{.spec.clusterIP}')).toBe(
        'NodePort/30123/',
      );
      const { code, err } = await command(['create', 'deployment', 'made', '--image=nginx']);
      expect([code, err]).toEqual([1, expect.stringContaining('deployments.apps "made" already exists')]);
    });

    it('apply on the side of the server, with owners of fields', async () => {
      expect(await command(['apply', '--server-side', '-f', '-'], shop(7))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/conflicts? with "kubectl[^"]*"[^]*\.spec\.replicas/),
      });
      expect(await printed('apply --server-side --force-conflicts -f -', shop(7))).toContain(
        'deployment.apps/web serverside-applied',
      );
      expect(await command(['diff', '--server-side', '-f', '-'], shop(8))).toMatchObject({
        code: 1,
        out: expect.stringMatching(/-  replicas: 7\n\+  replicas: 8/),
      });
      const moved = (data: object): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'moved' }, data });
      await printed('apply -f -', moved({ text: 'a', more: 'x' }));
      expect(await printed('apply --server-side -f -', moved({ text: 'b' }))).toBe('configmap/moved serverside-applied\n');
      expect(await printed('get configmap moved -o jsonpath={.data}')).toBe('{"text":"b"}');
      expect(await printed('apply -f -', moved({ text: 'b' }))).toContain('configmap/moved ');
      await printed('delete configmap moved');
    });

    it('tell of kinds, and check fields by them', async () => {
      expect(await printed('explain deployment.spec.replicas')).toMatch(/KIND: +Deployment[^]*FIELD: replicas <integer>/);
      const mistyped = shop().replace('replicas:', 'replicass:');
      expect(await command(['apply', '-f', '-'], mistyped)).toMatchObject({
        code: 1,
        err: expect.stringContaining('unknown field "spec.replicass"'),
      });
      expect(await command(['create', '-f', '-'], mistyped.replace('name: web', 'name: other'))).toMatchObject({
        code: 1,
        err: expect.stringContaining('strict decoding error: unknown field "spec.replicass"'),
      });
      expect(await command(['apply', '--validate=warn', '-f', '-'], mistyped)).toMatchObject({
        code: 0,
        err: expect.stringContaining('Warning: unknown field "spec.replicass"'),
      });
    });

    it('watch and delete them', async () => {
      const stop = new AbortController();
      let seen = '';
      const watching = run(['get', 'cm', '-w', '-o', 'name', '-n', namespace], {
        env: { CLUSTERNET_KUBECTL: kubectl, KUBECACHEDIR: join(folder, release) },
        signal: stop.signal,
        onOutput: (text) => (seen += text),
      });
      await eventually(() => expect(seen).toContain('configmap/settings'));
      await printed('create configmap late --from-literal=a=b');
      await eventually(() => expect(seen).toContain('configmap/late'));
      stop.abort();
      await watching;
      expect(await printed('delete -f -', shop())).toMatch(/^configmap "settings" deleted.*\ndeployment.apps "web" deleted/);
      await printed('delete all,cm,secret,role --all');
      expect((await command(['get', 'all,cm,secret,role'])).err).toBe(`No resources found in ${namespace} namespace.\n`);
      const missing = await command(['get', 'cm', 'settings']);
      expect([missing.code, missing.err]).toEqual([1, 'Error from server (NotFound): configmaps "settings" not found\n']);
    });
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

describe('the parent as a child of its own', () => {
  let agent: Workload;

  beforeAll(async () => {
    const { parent } = system;
    const namespace = 'clusternet-system';
    const values = {
      replicaCount: 1,
      crds: { enabled: false },
      parentURL: parent.server,
      parentCA: parent.caPem,
      registrationToken: await createBootstrapToken(parent.api),
      clusterName: 'itself',
      clusterLabels: 'own=yes',
      syncMode: 'Pull',
    };
    const chartDir = repositoryFile('charts/clusternet-agent');
    await installChart({ cluster: parent, chartDir, release: 'clusternet-agent', namespace, values });
    const entrypoints = { 'clusternet/clusternet-agent': repositoryFile('packages/agent/dist/main.js') };
    agent = await startWorkload({ cluster: parent, namespace, deployment: 'clusternet-agent', entrypoints });
    await agent.waitReady();
  }, 300_000);

  afterAll(() => agent?.stop());

  it('keeps the templates when the Namespace that was made of one goes', async () => {
    const metadata = { name: 'own' };
    const objects = [
      { apiVersion: 'v1', kind: 'Namespace', metadata },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'own' }, data: { a: 'b' } },
      {
        apiVersion: apiVersionOf(resources.subscriptions),
        kind: 'Subscription',
        metadata: { name: 'own', namespace: 'default' },
        spec: {
          subscribers: [{ clusterAffinity: { matchLabels: { own: 'yes' } } }],
          feeds: [
            { apiVersion: 'v1', kind: 'Namespace', name: 'own' },
            { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'own', name: 'settings' },
          ],
        },
      },
    ];
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    expect(await run(['apply', '-f', '-'], { input })).toMatchObject({ code: 0, err: '' });
    const real = admin.resource(core.configMaps);
    await eventually(async () => expect(await real.find({ namespace: 'own', name: 'settings' })).toBeDefined());
    await admin.resource(resources.subscriptions).delete({ namespace: 'default', name: 'own' });
    await eventually(async () => expect(await admin.resource(core.namespaces).find(metadata)).toBeUndefined());
    expect(await output('get', 'namespace/own', '-o', 'name')).toBe('namespace/own\n');
    expect(await output('get', 'configmap', 'settings', '-n', 'own', '-o', 'jsonpath={.data.a}')).toBe('b');
  });
});
