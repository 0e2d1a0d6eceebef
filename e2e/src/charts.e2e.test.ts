// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { type ClusterSet, installChart, startClusters, uninstallChart } from '@clusternet/localup';
import { chartFolder, type Component, components, helm, namespace, render, requiredValues } from './testing/charts.ts';
import { eventually } from './testing/eventually.ts';

const run = promisify(execFile);

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

interface Container {
  args: string[];
  env: { name: string; value?: string }[];
  livenessProbe: unknown;
  readinessProbe: unknown;
  securityContext: unknown;
  resources: unknown;
}

interface Deployment extends KubeObject {
  spec: { replicas: number; template: { spec: { containers: [Container]; securityContext: unknown } } };
}

function ofKind<T extends KubeObject>(objects: KubeObject[], kind: string): T[] {
  return objects.filter((object) => object.kind === kind) as T[];
}

async function deploymentOf(component: Component, values?: object): Promise<Deployment> {
  const [deployment] = ofKind<Deployment>(await render(component, values), 'Deployment');
  if (!deployment) throw new Error(`${component} renders no Deployment`);
  return deployment;
}

async function containerOf(component: Component, values?: object): Promise<Container> {
  return (await deploymentOf(component, values)).spec.template.spec.containers[0];
}

async function refusal(component: Component, values: object): Promise<string> {
  return render(component, values).then(
    () => 'accepted',
    (error: unknown) => String(error),
  );
}

describe.each(components)('the chart of %s', (component) => {
  it('passes helm lint --strict', async () => {
    const values = JSON.stringify(requiredValues(component));
    await expect(helm(['lint', '--strict', chartFolder(component), '-f', '-'], values)).resolves.toContain('0 chart(s) failed');
  });

  it('runs as nobody, on a read-only file system, with no capabilities', async () => {
    const { containers, securityContext } = (await deploymentOf(component)).spec.template.spec;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } });
    expect(containers).toHaveLength(1);
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(containers[0].resources).toMatchObject({
      requests: { memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    });
  });

  it('is probed over HTTPS', async () => {
    const container = await containerOf(component);
    expect(container.livenessProbe).toMatchObject({ httpGet: { path: '/livez', port: 'https', scheme: 'HTTPS' } });
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'https', scheme: 'HTTPS' } });
  });

  it('holds no wildcard, no right to escalate, and no foreign role', async () => {
    const objects = await render(component);
    const rules = [...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'Role')].flatMap((role) => role['rules'] as Rule[]);
    expect(rules.length).toBeGreaterThan(0);
    for (const { apiGroups = [], resources = [], nonResourceURLs = [], verbs } of rules) {
      expect([...apiGroups, ...resources, ...nonResourceURLs, ...verbs].join()).not.toContain('*');
      expect(verbs).not.toEqual(expect.arrayContaining(['escalate']));
      expect(verbs).not.toEqual(expect.arrayContaining(['bind']));
      expect(verbs).not.toEqual(expect.arrayContaining(['impersonate']));
    }
    const own = new Set([...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'Role')].map(({ metadata }) => metadata.name));
    const foreign = [...ofKind(objects, 'ClusterRoleBinding'), ...ofKind(objects, 'RoleBinding')]
      .filter((binding) => !own.has((binding['roleRef'] as { name: string }).name))
      .map(({ metadata }) => metadata.name);
    const expected: Partial<Record<Component, string[]>> = {
      agent: ['clusternet:app:deployer'],
      hub: ['clusternet:hub:authentication-reader'],
    };
    expect(foreign).toEqual(expected[component] ?? []);
  });

  it('reads no Secret but those it knows by name', async () => {
    const objects = await render(component);
    const bindings = [...ofKind(objects, 'ClusterRoleBinding'), ...ofKind(objects, 'RoleBinding')];
    const held = new Set(bindings.map((binding) => (binding['roleRef'] as { name: string }).name));
    const roles = [...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'Role')].filter(({ metadata }) =>
      held.has(metadata.name),
    );
    const rules = roles.flatMap((role) => role['rules'] as Rule[]);
    const open = rules.filter(({ resources, resourceNames }) => resources?.includes('secrets') && !resourceNames);
    for (const { verbs } of open) expect(verbs).toEqual(['create']);
  });

  it('has a PodDisruptionBudget only where more than one replica runs', async () => {
    const budgets = async (values: object) => ofKind(await render(component, values), 'PodDisruptionBudget').length;
    expect(await budgets({})).toBe(1);
    expect(await budgets({ replicaCount: 1 })).toBe(0);
    expect(await budgets({ podDisruptionBudget: { enabled: false } })).toBe(0);
  });

  it('renders extraArgs as they are meant, false and large numbers included', async () => {
    const extraArgs = { 'dry-run': false, 'some-number': 1_000_000, ratio: 0.5, label: ['a=b', 'c=d'], empty: '' };
    const { args } = await containerOf(component, { extraArgs });
    expect(args.slice(-6)).toEqual([
      '--dry-run=false',
      '--empty=',
      '--label=a=b',
      '--label=c=d',
      '--ratio=0.5',
      '--some-number=1000000',
    ]);
  });

  it('renders leaderElect false as a flag that says false', async () => {
    expect((await containerOf(component, { leaderElect: false })).args).toContain('--leader-elect=false');
  });

  it('refuses values that are wrong or unknown', async () => {
    for (const values of [
      { replicaCount: 'three' },
      { replicaCounts: 3 },
      { securePort: 70_000 },
      { image: { pullPolicy: 'Sometimes' } },
      { podAntiAffinityPreset: 'maybe' },
      { featureGates: { AppPusher: 'yes' } },
      { extraArgs: { '--v': 4 } },
    ]) {
      expect(await refusal(component, values)).toContain("values don't meet the specifications of the schema");
    }
  });

  it('says all it renders with its own names, in its own namespace', async () => {
    const objects = await render(component, { fullnameOverride: 'other', serviceAccount: { name: 'somebody' } });
    const subjects = [...ofKind(objects, 'ClusterRoleBinding'), ...ofKind(objects, 'RoleBinding')]
      .flatMap((binding) => binding['subjects'] as { kind: string; name: string; namespace: string }[])
      .filter(
        ({ kind, name }) => kind === 'ServiceAccount' && !['clusternet-app-deployer', 'cluster-bootstrap-use'].includes(name),
      );
    expect(new Set(subjects.map(({ name, namespace: ns }) => `${ns}/${name}`))).toEqual(new Set([`${namespace}/somebody`]));
    const [deployment] = ofKind<Deployment>(objects, 'Deployment');
    expect(deployment?.metadata.name).toBe('other');
    expect(deployment?.spec.template.spec).toMatchObject({ serviceAccountName: 'somebody' });
    expect(deployment?.spec.template.spec.containers[0].args).toContain('--leader-elect-resource-name=other');
  });

  it('has ServiceMonitor and NetworkPolicy on demand only', async () => {
    const kinds = async (values: object) => (await render(component, values)).map(({ kind }) => kind);
    expect(await kinds({})).not.toEqual(expect.arrayContaining(['ServiceMonitor']));
    expect(await kinds({})).not.toEqual(expect.arrayContaining(['NetworkPolicy']));
    const all = await kinds({ serviceMonitor: { enabled: true }, networkPolicy: { enabled: true } });
    expect(all).toEqual(expect.arrayContaining(['ServiceMonitor', 'NetworkPolicy']));
  });

  it('explains every value in its README', async () => {
    const readme = await readFile(join(chartFolder(component), 'README.md'), 'utf8');
    const { properties } = JSON.parse(await readFile(join(chartFolder(component), 'values.schema.json'), 'utf8')) as Schema;
    for (const key of Object.keys(properties)) {
      if (key === 'global' || key === 'clusternet-common') continue;
      expect(readme).toMatch(new RegExp(`\\| \`${key}[.\`]`));
    }
  });
});

interface Schema {
  properties: Record<string, unknown>;
}

it('the charts mean the same by the values they share', async () => {
  const schemas = await Promise.all(
    components.map(
      async (component) => JSON.parse(await readFile(join(chartFolder(component), 'values.schema.json'), 'utf8')) as Schema,
    ),
  );
  const [first, ...others] = schemas;
  for (const [key, schema] of Object.entries(first?.properties ?? {})) {
    for (const { properties } of others) if (key in properties) expect(properties[key]).toEqual(schema);
  }
});

describe('the discovery of Cluster API clusters', () => {
  const values = { clusterAPI: { namespaces: ['one', 'two'], parentURL: 'https://parent.example.com:6443' } };
  const about = (objects: KubeObject[]) => {
    const roles = [...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'Role')];
    return roles.filter(({ rules }) => JSON.stringify(rules).includes('cluster.x-k8s.io'));
  };

  it('has no rights and no flags where it is off', async () => {
    const objects = await render('hub');
    expect(about(objects)).toEqual([]);
    expect(JSON.stringify(objects)).not.toContain('--cluster-api');
    const rules = ofKind(objects, 'ClusterRole').flatMap((role) => role['rules'] as Rule[]);
    const deletes = rules.filter(
      ({ resources, verbs }) => resources?.includes('clusterregistrationrequests') && verbs.includes('delete'),
    );
    expect(deletes).toEqual([]);
  });

  it('has its rights in the namespaces that are named, and in no other', async () => {
    const objects = await render('hub', values);
    expect(about(objects).map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['Role', 'one'],
      ['Role', 'two'],
    ]);
    for (const role of about(objects)) {
      const secrets = (role['rules'] as Rule[]).filter(({ resources }) => resources?.includes('secrets'));
      expect(secrets.map(({ verbs }) => verbs)).toEqual([['get']]);
    }
    const { args } = await containerOf('hub', values);
    expect(args).toEqual(
      expect.arrayContaining([
        '--cluster-api-namespaces=one',
        '--cluster-api-namespaces=two',
        '--cluster-api-parent-url=https://parent.example.com:6443',
      ]),
    );
  });

  it('wants to know where the parent is', async () => {
    await expect(render('hub', { clusterAPI: { namespaces: ['one'] } })).rejects.toThrow(/clusterAPI\.parentURL is required/);
  });
});

describe('the chart of the agent', () => {
  it('keeps the token out of arguments and environment', async () => {
    const deployment = JSON.stringify(await deploymentOf('agent'));
    expect(deployment).not.toContain('0123456789abcdef');
    expect(deployment).toContain('--cluster-reg-token-file=/etc/clusternet/registration/regToken');
  });

  it('takes an existing Secret instead, and then makes none', async () => {
    const objects = await render('agent', { parentURL: '', registrationToken: '', existingSecret: 'mine' });
    expect(ofKind(objects, 'Secret')).toEqual([]);
    expect(JSON.stringify(objects)).toContain('"secretName":"mine"');
  });

  it('asks for what is missing, refuses what cannot work', async () => {
    expect(await refusal('agent', { parentURL: '' })).toContain('parentURL is required');
    expect(await refusal('agent', { registrationToken: '' })).toContain('registrationToken is required');
    expect(await refusal('agent', { parentURL: 'http://parent' })).toContain('parentURL');
    expect(await refusal('agent', { registrationToken: 'secret' })).toContain('registrationToken');
    expect(await refusal('agent', { syncMode: 'Push', featureGates: { AppPusher: false } })).toContain('AppPusher');
  });

  it('takes labels as a map or as text', async () => {
    const labels = async (clusterLabels: unknown) =>
      (await containerOf('agent', { clusterLabels })).args.filter((arg) => arg.startsWith('--cluster-labels'));
    expect(await labels({ zone: 'a', env: 'test' })).toEqual(['--cluster-labels=env=test,zone=a']);
    expect(await labels('env=test,zone=a')).toEqual(['--cluster-labels=env=test,zone=a']);
    expect(await labels({})).toEqual([]);
  });

  it('gives what deploys the ClusterRole that is asked for', async () => {
    const objects = await render('agent', { appDeployer: { clusterRole: 'apps-only' } });
    const binding = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRoleBinding' && metadata.name === 'clusternet:app:deployer',
    );
    expect(binding?.['roleRef']).toMatchObject({ kind: 'ClusterRole', name: 'apps-only' });
    expect(JSON.stringify(objects)).not.toContain('cluster-admin');
  });
});

describe('on a real API server', () => {
  let clusters: ClusterSet;

  beforeAll(async () => {
    clusters = await startClusters({ parent: true, children: 0 });
    for (const component of components) await install(component);
  });

  afterAll(() => clusters?.close());

  // The agent's charts go into children otherwise; here its CRDs are there already, as the hub's chart has brought them.
  async function install(component: Component, values: object = {}): Promise<void> {
    const crds = component === 'agent' ? { crds: { enabled: false } } : {};
    await installChart({
      cluster: clusters.parent,
      chartDir: chartFolder(component),
      release: `clusternet-${component}`,
      namespace,
      values: { ...requiredValues(component), ...crds, ...values },
    });
  }

  async function kubectl(...args: string[]): Promise<string> {
    const { stdout } = await run(clusters.binaries.kubectl, ['--kubeconfig', clusters.parent.kubeconfigPath, ...args]);
    return stdout.trim();
  }

  async function apply(object: object, ...args: string[]): Promise<string> {
    const { kubeconfigPath } = clusters.parent;
    const running = run(clusters.binaries.kubectl, ['--kubeconfig', kubeconfigPath, 'apply', '-f', '-', ...args]);
    running.child.stdin?.end(JSON.stringify(object));
    return (await running).stdout.trim();
  }

  /** Whether the ServiceAccount may do it; `kubectl auth can-i` says "no" with an exit code. */
  async function can(account: string, ...what: string[]): Promise<boolean> {
    const user = `--as=system:serviceaccount:${namespace}:${account}`;
    return kubectl('auth', 'can-i', user, ...what).then(
      (answer) => answer === 'yes',
      () => false,
    );
  }

  it('gives each ServiceAccount what it needs and nothing else', async () => {
    const granted = [
      ['clusternet-hub', 'list', 'secrets/child-cluster-deployer', '-n', 'anywhere'],
      ['clusternet-hub', 'patch', 'managedclusters.clusters.clusternet.io', '--subresource=status', '-n', 'anywhere'],
      ['clusternet-hub', 'create', 'bases.apps.clusternet.io', '-n', 'anywhere'],
      ['clusternet-scheduler', 'patch', 'subscriptions.apps.clusternet.io', '--subresource=status', '-n', 'anywhere'],
      ['clusternet-override-engine', 'watch', 'manifests.apps.clusternet.io', '-n', 'clusternet-reserved'],
      ['clusternet-agent', 'update', 'secrets/parent-cluster', '-n', namespace],
      ['clusternet-agent', 'create', 'serviceaccounts/clusternet-app-deployer', '--subresource=token', '-n', namespace],
      ['clusternet-agent', 'list', 'pods', '-n', 'kube-system'],
    ];
    const refused = [
      ['clusternet-hub', 'get', 'secrets', '-n', 'kube-system'],
      ['clusternet-hub', 'bind', 'clusterroles'],
      ['clusternet-hub', 'create', 'clusterregistrationrequests'],
      ['clusternet-scheduler', 'update', 'subscriptions.apps.clusternet.io', '-n', 'anywhere'],
      ['clusternet-scheduler', 'get', 'secrets', '-n', namespace],
      ['clusternet-override-engine', 'get', 'manifests.apps.clusternet.io', '-n', 'anywhere'],
      ['clusternet-override-engine', 'update', 'leases/clusternet-hub', '-n', namespace],
      ['clusternet-agent', 'list', 'secrets', '-n', namespace],
      ['clusternet-agent', 'get', 'secrets/clusternet-agent-cluster-registration', '-n', namespace],
      ['clusternet-agent', 'create', 'serviceaccounts/clusternet-agent', '--subresource=token', '-n', namespace],
      ['clusternet-agent', 'list', 'pods', '-n', 'default'],
      ['cluster-bootstrap-use', 'list', 'clusterregistrationrequests'],
    ];
    for (const [account = '', ...what] of granted)
      expect([account, ...what, await can(account, ...what)]).toEqual([account, ...what, true]);
    for (const [account = '', ...what] of refused)
      expect([account, ...what, await can(account, ...what)]).toEqual([account, ...what, false]);
  });

  it('lets those register who hold a bootstrap token, and no more', async () => {
    const as = ['--as=system:bootstrap:abcdef', '--as-group=system:bootstrappers:clusternet:register-cluster-token'];
    const asked = async (...what: string[]) => kubectl('auth', 'can-i', ...as, ...what).catch(() => 'no');
    expect(await asked('create', 'clusterregistrationrequests')).toBe('yes');
    expect(await asked('get', 'clusterregistrationrequests/clusternet-x')).toBe('yes');
    expect(await asked('list', 'clusterregistrationrequests')).toBe('no');
    expect(await asked('update', 'clusterregistrationrequests')).toBe('no');
  });

  it('lets a Subscription be written only by those who may read what it deploys and see where it deploys', async () => {
    await kubectl('create', 'clusterrole', 'author', '--verb=*', '--resource=subscriptions.apps.clusternet.io');
    await kubectl('create', 'rolebinding', 'author', '-n', 'default', '--clusterrole=author', '--user=author');
    const as = '--as=author';
    const subscribe = async (names: string[]): Promise<string> => {
      const feeds = names.map((name) => ({ apiVersion: 'v1', kind: 'Secret', namespace: 'theirs', name }));
      const spec = { subscribers: [{ clusterAffinity: {} }], feeds };
      const metadata = { name: 'app', namespace: 'default' };
      const subscription = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'Subscription', metadata, spec };
      return apply(subscription, as).catch((error: unknown) => String(error));
    };
    // The API server takes up a new policy a moment after it was made.
    await eventually(async () => expect(await subscribe(['one'])).toContain('which you may not read'));

    await kubectl(
      'create',
      'role',
      'reader',
      '-n',
      'clusternet-reserved',
      '--verb=get',
      '--resource=manifests.apps.clusternet.io',
    );
    await kubectl('create', 'rolebinding', 'reader', '-n', 'clusternet-reserved', '--role=reader', '--user=author');
    await eventually(async () => expect(await subscribe(['one'])).toContain('which you may not see'));

    await kubectl('create', 'clusterrole', 'chooser', '--verb=list', '--resource=managedclusters.clusters.clusternet.io');
    await kubectl('create', 'clusterrolebinding', 'chooser', '--clusterrole=chooser', '--user=author');
    await eventually(async () => expect(await subscribe(['one'])).toContain('created'));

    await kubectl('delete', 'rolebinding', 'reader', '-n', 'clusternet-reserved');
    await eventually(async () => expect(await subscribe(['one', 'two'])).toContain('which you may not read'));
    // What leaves the spec alone asks for nothing, above all the finalizer of the hub.
    const hub = `--as=system:serviceaccount:${namespace}:clusternet-hub`;
    const patch = ['--type=merge', '-p', '{"metadata":{"finalizers":["apps.clusternet.io/finalizer"]}}'];
    expect(await kubectl('patch', 'subscription', 'app', '-n', 'default', hub, ...patch)).toContain('patched');
    await kubectl('patch', 'subscription', 'app', '-n', 'default', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    expect(await kubectl('delete', 'subscription', 'app', '-n', 'default', as)).toContain('deleted');
  });

  it('lets an override be written only by those who may change what it overrides, or override it', async () => {
    const kinds = ['globalizations', 'localizations'].map((kind) => `--resource=${kind}.apps.clusternet.io`);
    await kubectl('create', 'clusterrole', 'overrider', '--verb=*', ...kinds);
    await kubectl('create', 'clusterrolebinding', 'overrider', '--clusterrole=overrider', '--user=overrider');
    const apiVersion = 'apps.clusternet.io/v1alpha1';
    const override = async (replicas: number, feed: object, as = '--as=overrider'): Promise<string> => {
      const overrides = [{ type: 'MergePatch', value: `spec: {replicas: ${replicas}}` }];
      const spec = { overridePolicy: 'ApplyNow', feed, overrides };
      const metadata = { name: 'mine', namespace: 'default' };
      return apply({ apiVersion, kind: 'Localization', metadata, spec }, as).catch((error: unknown) => String(error));
    };
    const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
    const chart = { apiVersion, kind: 'HelmChart', namespace: 'default', name: 'web' };
    const allow = async (resource: string, ns: string, ...verbs: string[]): Promise<void> => {
      const [metadata, rbac] = [{ name: `overrider-${resource}`, namespace: ns }, 'rbac.authorization.k8s.io'];
      const rules = [{ apiGroups: ['apps.clusternet.io'], resources: [resource], verbs }];
      await apply({ apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules });
      const subjects = [{ apiGroup: rbac, kind: 'User', name: 'overrider' }];
      const roleRef = { apiGroup: rbac, kind: 'Role', name: metadata.name };
      await apply({ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata, subjects, roleRef });
    };
    await eventually(async () => expect(await override(1, web)).toMatch(/like a write to it, which you may not do/));
    await eventually(async () => expect(await override(1, chart)).toMatch(/like a write to the HelmChart, which you may not do/));
    // Who may only read could find out, and decide, more than that.
    await allow('manifests', 'clusternet-reserved', 'get');
    await allow('helmcharts', 'default', 'get');
    for (const feed of [web, chart]) expect(await override(1, feed)).toContain('which you may not do');
    await allow('manifests', 'clusternet-reserved', 'get', 'override');
    await eventually(async () => expect(await override(1, web)).toContain('created'));
    await allow('helmcharts', 'default', 'get', 'update');
    await eventually(async () => expect(await override(2, chart)).toContain('configured'));
    // No more than the one who only changes finalizers or labels needs.
    await allow('helmcharts', 'default', 'get');
    await eventually(async () => expect(await override(3, chart)).toContain('which you may not do'));
    const label = ['label', 'localization', 'mine', '-n', 'default', 'a=b', '--as=overrider'];
    expect(await kubectl(...label)).toContain('labeled');
    // The shares of a division are the hub's.
    const hub = `--as=system:serviceaccount:${namespace}:clusternet-hub`;
    expect(await override(4, web, hub)).toMatch(/configured|cannot patch/);
    await kubectl('delete', 'localization', 'mine', '-n', 'default');
  });

  it('says which feature gates are off, and how to turn them on', async () => {
    const notes = (component: Component) =>
      helm(['get', 'notes', `clusternet-${component}`, '-n', namespace, '--kubeconfig', clusters.parent.kubeconfigPath]);
    const [hub, agent] = [await notes('hub'), await notes('agent')];
    for (const gate of ['ShadowAPI', 'SocketConnection']) expect(hub).toContain(`--set featureGates.${gate}=true`);
    expect(agent).toContain(
      'helm upgrade clusternet-agent CHART -n clusternet-system --reuse-values --set featureGates.SocketConnection=true',
    );
    await install('hub', { featureGates: { ShadowAPI: true, SocketConnection: true } });
    expect(await notes('hub')).not.toContain('featureGates');
    await install('hub');
  });

  it('upgrades, and leaves CRDs, their objects and the reserved namespace when it is uninstalled', async () => {
    const manifest = {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Manifest',
      metadata: { name: 'kept' },
      template: { a: 'b' },
    };
    const path = '/apis/apps.clusternet.io/v1alpha1/namespaces/clusternet-reserved/manifests';
    await clusters.parent.api.request('POST', path, manifest);
    await install('hub', { replicaCount: 1, registration: { approval: 'manual' } });
    expect(await kubectl('get', 'deploy', 'clusternet-hub', '-n', namespace, '-o', 'jsonpath={..args}')).toContain(
      '--registration-approval=manual',
    );

    await uninstallChart({ cluster: clusters.parent, release: 'clusternet-hub', namespace });
    expect(await clusters.parent.api.find(`${path}/kept`)).toBeDefined();
    expect(await kubectl('get', 'deploy', 'clusternet-hub', '-n', namespace, '--ignore-not-found')).toBe('');

    await install('hub');
    expect(await clusters.parent.api.find(`${path}/kept`)).toBeDefined();
  });
});
