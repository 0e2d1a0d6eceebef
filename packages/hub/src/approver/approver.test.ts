// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  annotations,
  caHash,
  type ClusterRegistrationRequest,
  type KubeObject,
  labels,
  type ManagedCluster,
  resources,
  suffix,
} from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { type Namespace, type Role } from '../kube/objects.ts';
import { fakeContext } from '../testing/context.ts';
import { agentKey, requestOf, serviceAccountToken } from '../testing/registration.ts';
import { Approver, type ApproverSettings } from './approver.ts';

const id = '11111111-2222-4333-8444-555555555555';
const other = '99999999-2222-4333-8444-555555555555';
const requestName = `clusternet-${id}`;
const namespace = `clusternet-${suffix(id)}`;
const day = 24 * 3_600_000;

let surroundings: ReturnType<typeof fakeContext>;
let key: Awaited<ReturnType<typeof agentKey>>;

const settings: ApproverSettings = {
  approval: 'auto',
  credentialLifetimeMs: 30 * day,
  allowClearCredentials: false,
  reservedNamespaces: ['clusternet-reserved'],
  parent: { caPem: 'CA of the parent', onCaChange: () => () => undefined },
};

beforeEach(async () => {
  surroundings = fakeContext();
  key = await agentKey();
  const { cluster, clock } = surroundings;
  cluster.onRequest = ({ path, body }) => {
    const name = path.split('/')[6] ?? '';
    const serviceAccount = cluster.get(core.serviceAccounts, `${path.split('/')[4] ?? ''}/${name}`);
    const { expirationSeconds } = (body as { spec: { expirationSeconds: number } }).spec;
    const token = serviceAccountToken({
      uid: serviceAccount?.metadata.uid ?? '',
      issuedAt: clock.now,
      lifetimeSeconds: expirationSeconds,
    });
    const expirationTimestamp = new Date(clock.now + expirationSeconds * 1000).toISOString();
    return { status: { token, expirationTimestamp } };
  };
});

function ask(spec: Partial<ClusterRegistrationRequest['spec']> = {}, clusterId = id): void {
  surroundings.cluster.put(resources.clusterRegistrationRequests, requestOf(clusterId, { publicKey: key.publicKey, ...spec }));
}

function approver(changed: Partial<ApproverSettings> = {}): Approver {
  return new Approver(surroundings.context, { ...settings, ...changed });
}

it('taints a new cluster from its first moment on where it is to be initialised, and never an old one', async () => {
  ask();
  await approver({ clusterInit: true }).reconcile(requestName);
  const taint = { key: 'clusters.clusternet.io/initialization', value: 'ClusterInitWaiting', effect: 'NoSchedule' };
  expect(managedCluster()?.spec.taints).toEqual([taint]);
  expect(surroundings.cluster.writes.find((write) => write.includes('managedclusters'))).toMatch(/^create /);
  surroundings.cluster.put(resources.managedClusters, {
    ...(managedCluster() as ManagedCluster),
    spec: { clusterId: id, syncMode: 'Push', taints: [] },
  });
  await approver({ clusterInit: true }).reconcile(requestName);
  expect(managedCluster()?.spec.taints).toEqual([]);
});

function request(name = requestName): ClusterRegistrationRequest | undefined {
  return surroundings.cluster.get(resources.clusterRegistrationRequests, name);
}

function managedCluster(): ManagedCluster | undefined {
  return surroundings.cluster.get(resources.managedClusters, `${namespace}/child1`);
}

function edit(change: (request: ClusterRegistrationRequest) => void): void {
  const copy = structuredClone(request() as ClusterRegistrationRequest);
  change(copy);
  surroundings.cluster.put(resources.clusterRegistrationRequests, copy);
}

describe('approval', () => {
  it('makes all that a cluster needs, and hands out a credential only the agent can open', async () => {
    ask();
    await approver().reconcile(requestName);
    const { cluster } = surroundings;
    expect(request()?.status).toMatchObject({ result: 'Approved', dedicatedNamespace: namespace, managedClusterName: 'child1' });
    expect(request()?.status?.token).toBeUndefined();
    expect(Buffer.from(request()?.status?.caCertificate ?? '', 'base64').toString()).toBe('CA of the parent');
    expect(await key.open(request()?.status?.encryptedToken ?? '')).toContain('.');
    expect(cluster.get(core.serviceAccounts, `${namespace}/${namespace}`)).toBeDefined();
    expect(cluster.get<Namespace>(core.namespaces, namespace)?.metadata.labels).toMatchObject({ [labels.clusterId]: id });
    expect(managedCluster()?.spec).toMatchObject({ clusterId: id, syncMode: 'Pull' });
  });

  it('tells the children when the CA of the parent changes, and issues no credential for that', async () => {
    ask();
    const parent = { caPem: 'old', onCaChange: (listener: () => void) => (tell = listener) };
    let tell: () => void = () => undefined;
    const subject = approver({ parent });
    subject.start();
    const caPem = () => Buffer.from(request()?.status?.caCertificate ?? '', 'base64').toString();
    await subject.reconcile(requestName);
    expect(caPem()).toBe('old');
    const { encryptedToken } = request()?.status ?? {};
    parent.caPem = 'old and new';
    tell();
    for (let i = 0; i < 1_000 && caPem() === 'old'; i++) await turn();
    expect(caPem()).toBe('old and new');
    expect(request()?.status?.encryptedToken).toBe(encryptedToken);
    const heartbeat = surroundings.cluster.get<KubeObject>(core.leases, `${namespace}/clusternet-heartbeat`);
    expect(heartbeat?.metadata.annotations).toEqual({ 'clusters.clusternet.io/parent-ca-hash': caHash('old and new') });
    await subject.close();
  });

  it('writes nothing when all is as it should be', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    surroundings.cluster.writes.length = 0;
    await subject.reconcile(requestName);
    await approver().reconcile(requestName);
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('never lets a cluster read Secrets other than its own, or requests of others', async () => {
    ask();
    await approver().reconcile(requestName);
    const { cluster } = surroundings;
    const rules = [...cluster.list<Role>(core.clusterRoles), ...cluster.list<Role>(core.roles)].flatMap(
      (role) => role.rules ?? [],
    );
    for (const rule of rules) {
      expect(rule.verbs).not.toContain('*');
      if (rule.resources.includes('secrets') && rule.verbs.some((verb) => verb !== 'create')) {
        const handedOver = rule.resourceNames?.includes('helm-chart-credentials');
        if (handedOver) expect(rule.verbs).toEqual(['get']);
        expect(rule.resourceNames).toEqual(
          handedOver ? ['helm-chart-credentials'] : ['child-cluster-deployer', 'child-cluster-visitor'],
        );
      }
      if (rule.resources.includes('clusterregistrationrequests')) expect(rule.resourceNames).toEqual([requestName]);
    }
    expect(
      cluster
        .list<Role>(core.clusterRoles)
        .flatMap((role) => role.rules ?? [])
        .some((rule) => rule.resources.includes('secrets')),
    ).toBe(false);
  });

  it('refuses an id that is not the one in the name, and goes on once it is corrected', async () => {
    ask({ clusterId: other });
    const subject = approver();
    await subject.reconcile(requestName);
    expect(request()?.status).toMatchObject({
      result: 'Denied',
      errorMessage: expect.stringContaining('spec.clusterId') as unknown,
    });
    edit(({ spec }) => (spec.clusterId = id));
    await subject.reconcile(requestName);
    expect(request()?.status?.result).toBe('Approved');
    expect(request()?.status?.errorMessage).toBeUndefined();
  });

  it.each([
    ['clusterName', 'A_b!'],
    ['clusterNamespace', 'x y'],
    ['publicKey', '{"kty":"EC"}'],
  ])('refuses a malformed %s', async (field, value) => {
    ask({ [field]: value });
    await approver().reconcile(requestName);
    expect(request()?.status?.result).toBe('Denied');
    expect(surroundings.cluster.list(core.namespaces)).toEqual([]);
  });

  it('waits for a person when approval is manual', async () => {
    ask();
    const subject = approver({ approval: 'manual' });
    await subject.reconcile(requestName);
    expect(request()?.status?.result).toBeUndefined();
    expect(request()?.status?.errorMessage).toContain(`kubectl patch clsrr ${requestName} --subresource=status`);
    edit((copy) => (copy.status = { ...copy.status, result: 'Approved' }));
    await subject.reconcile(requestName);
    expect(request()?.status).toMatchObject({ result: 'Approved', dedicatedNamespace: namespace });
  });

  it('keeps what a person denied, and takes the credential away', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    edit((copy) => (copy.status = { ...copy.status, result: 'Denied' }));
    await subject.reconcile(requestName);
    await subject.reconcile(requestName);
    expect(request()?.status).toEqual({ result: 'Denied', errorMessage: 'denied by an administrator' });
    expect(surroundings.cluster.list(core.serviceAccounts)).toEqual([]);
    expect(surroundings.cluster.list(core.clusterRoleBindings)).toEqual([]);
  });

  it('gives a name to one cluster only, also when two ask at the same moment', async () => {
    ask();
    ask({}, other);
    const subject = approver();
    await Promise.all([subject.reconcile(requestName), subject.reconcile(`clusternet-${other}`)]);
    // Whose key is read first is left to chance.
    const names = [requestName, `clusternet-${other}`];
    const [loser = ''] = names.filter((name) => request(name)?.status?.result === undefined);
    expect(names.map((name) => request(name)?.status?.result).sort()).toEqual(['Approved', undefined]);
    expect(request(loser)?.status?.errorMessage).toContain('the cluster name child1 is taken');
    expect(surroundings.events).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'DuplicateClusterName' }));
    const before = surroundings.cluster.writes.length;
    await subject.reconcile(loser);
    expect(surroundings.cluster.writes.length).toBe(before);
  });

  it('gives the name on as soon as the one who had it is gone', async () => {
    ask();
    const subject = approver();
    subject.start();
    await subject.reconcile(requestName);
    ask({}, other);
    await subject.reconcile(`clusternet-${other}`);
    const { cluster } = surroundings;
    await cluster.resource(resources.clusterRegistrationRequests).delete({ name: requestName });
    await subject.reconcile(requestName);
    await subject.reconcile(`clusternet-${other}`);
    expect(request(`clusternet-${other}`)?.status?.result).toBe('Approved');
    await subject.close();
  });

  it('does not take a namespace of somebody else', async () => {
    surroundings.cluster.put(core.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    ask({ clusterNamespace: 'shop' });
    await approver().reconcile(requestName);
    expect(request()?.status?.errorMessage).toContain('namespace shop exists and does not belong to this cluster');
  });

  it.each(['kube-system', 'default', 'clusternet-system', 'clusternet-reserved'])('does not give away %s', async (name) => {
    ask({ clusterNamespace: name });
    await approver().reconcile(requestName);
    expect(request()?.status?.errorMessage).toContain('reserved');
  });

  it('takes the namespace that an administrator prepared', async () => {
    const metadata = { name: 'prepared', labels: { [labels.createdBy]: 'clusternet-agent', [labels.clusterId]: id } };
    surroundings.cluster.put(core.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
    ask();
    await approver().reconcile(requestName);
    expect(request()?.status?.dedicatedNamespace).toBe('prepared');
  });
});

describe('keys', () => {
  it('hands out nothing in clear unless told to', async () => {
    ask({ publicKey: undefined });
    await approver().reconcile(requestName);
    expect(request()?.status?.errorMessage).toContain('--allow-clear-credentials');
    await approver({ allowClearCredentials: true }).reconcile(requestName);
    expect(request()?.status?.result).toBe('Approved');
    expect(Buffer.from(request()?.status?.token ?? '', 'base64').toString()).toContain('.');
  });

  it('does not accept another key for a known cluster, not even none', async () => {
    ask();
    const subject = approver({ allowClearCredentials: true });
    await subject.reconcile(requestName);
    const thief = await agentKey();
    for (const publicKey of [thief.publicKey, undefined]) {
      edit(({ spec }) => (spec.publicKey = publicKey));
      await subject.reconcile(requestName);
      expect(request()?.status).toEqual({
        errorMessage: expect.stringContaining('registered before with another key') as unknown,
      });
    }
  });

  it('accepts another key once a person approved this very key', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    const next = await agentKey();
    edit(({ spec }) => (spec.publicKey = next.publicKey));
    await subject.reconcile(requestName);
    // A third key slipped in after the person looked: the approval is not about that one.
    const thief = await agentKey();
    edit((copy) => {
      copy.status = { ...copy.status, result: 'Approved' };
      copy.spec.publicKey = thief.publicKey;
    });
    await subject.reconcile(requestName);
    expect(request()?.status?.result).toBeUndefined();
    edit(({ spec }) => (spec.publicKey = next.publicKey));
    await subject.reconcile(requestName);
    edit((copy) => (copy.status = { ...copy.status, result: 'Approved' }));
    await subject.reconcile(requestName);
    await subject.reconcile(requestName);
    expect(await next.open(request()?.status?.encryptedToken ?? '')).toContain('.');
  });

  it('accepts another key once the pin is removed', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    const next = await agentKey();
    edit(({ spec }) => (spec.publicKey = next.publicKey));
    const pinned = structuredClone(surroundings.cluster.get(core.namespaces, namespace) as Namespace);
    delete pinned.metadata.annotations?.[annotations.publicKeyThumbprint];
    surroundings.cluster.put(core.namespaces, pinned);
    await subject.reconcile(requestName);
    expect(await next.open(request()?.status?.encryptedToken ?? '')).toContain('.');
  });
});

describe('renewal', () => {
  it('issues a new credential at half of the life of the old one, not before', async () => {
    ask();
    const subject = approver();
    const { requeueAfterMs = 0 } = (await subject.reconcile(requestName)) ?? {};
    expect(requeueAfterMs).toBe(day);
    const first = request()?.status?.encryptedToken;
    surroundings.clock.now += 15 * day - 60_000;
    await subject.reconcile(requestName);
    expect(request()?.status?.encryptedToken).toBe(first);
    surroundings.clock.now += 60_000;
    await subject.reconcile(requestName);
    expect(request()?.status?.encryptedToken).not.toBe(first);
  });

  it('issues a new credential when the ServiceAccount was made anew', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    const first = request()?.status?.encryptedToken;
    surroundings.cluster.remove(core.serviceAccounts, `${namespace}/${namespace}`);
    await subject.reconcile(requestName);
    expect(surroundings.cluster.get(core.serviceAccounts, `${namespace}/${namespace}`)).toBeDefined();
    expect(request()?.status?.encryptedToken).not.toBe(first);
  });

  it('issues one credential, also when the cache lags behind', async () => {
    ask();
    const stale = structuredClone(request() as ClusterRegistrationRequest);
    const subject = approver();
    await subject.reconcile(requestName);
    const requests = { ...surroundings.context.stores.requests, get: () => stale };
    const lagging = { ...surroundings.context, stores: { ...surroundings.context.stores, requests } };
    surroundings.cluster.writes.length = 0;
    stale.metadata.finalizers = request()?.metadata.finalizers;
    expect(await new Approver(lagging, settings).reconcile(requestName)).toEqual({ requeueAfterMs: 200 });
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('tries again when the status could not be written', async () => {
    ask();
    const { cluster } = surroundings;
    const answer = cluster.onRequest;
    cluster.onRequest = () => {
      throw new Error('connection reset');
    };
    const subject = approver();
    await expect(subject.reconcile(requestName)).rejects.toThrow('connection reset');
    expect(surroundings.events).toEqual([]);
    await expect(subject.reconcile(requestName, 5)).rejects.toThrow('connection reset');
    expect(surroundings.events).toContainEqual(expect.objectContaining({ reason: 'RegistrationFailed' }));
    cluster.onRequest = answer;
    await subject.reconcile(requestName);
    expect(request()?.status?.result).toBe('Approved');
    expect(cluster.list(core.namespaces)).toHaveLength(1);
  });
});

describe('the ManagedCluster', () => {
  it('follows the request, and keeps what people set', async () => {
    ask({ clusterLabels: { env: 'dev', tier: 'gold' } });
    const subject = approver();
    await subject.reconcile(requestName);
    const edited = structuredClone(managedCluster() as ManagedCluster);
    edited.metadata.labels = { ...edited.metadata.labels, owner: 'shop-team' };
    edited.spec.taints = [{ key: 'maintenance', effect: 'NoSchedule' }];
    surroundings.cluster.put(resources.managedClusters, edited);
    edit(({ spec }) => {
      spec.syncMode = 'Push';
      spec.clusterLabels = { env: 'prod' };
    });
    await subject.reconcile(requestName);
    expect(managedCluster()?.spec).toMatchObject({ syncMode: 'Push', taints: [{ key: 'maintenance' }] });
    expect(managedCluster()?.metadata.labels).toMatchObject({ env: 'prod', owner: 'shop-team' });
    expect(managedCluster()?.metadata.labels).not.toHaveProperty('tier');
  });

  it('cannot pass for another cluster', async () => {
    ask({
      clusterLabels: {
        [labels.clusterId]: other,
        [labels.createdBy]: 'me',
        'apps.clusternet.io/x': 'y',
        'node.clusternet.io/zone': 'a',
      },
    });
    await approver().reconcile(requestName);
    expect(managedCluster()?.metadata.labels).toMatchObject({
      [labels.clusterId]: id,
      [labels.createdBy]: 'clusternet-agent',
      'node.clusternet.io/zone': 'a',
    });
    expect(managedCluster()?.metadata.labels).not.toHaveProperty('apps.clusternet.io/x');
    expect(surroundings.events).toContainEqual(expect.objectContaining({ reason: 'RequestPartlyIgnored' }));
  });

  it.each([
    ['ManagedCluster', resources.managedClusters, `${namespace}/child1`],
    ['Role', core.roles, `${namespace}/clusternet-managedcluster-role`],
    ['RoleBinding', core.roleBindings, `${namespace}/clusternet-managedcluster-role`],
    ['ClusterRole', core.clusterRoles, requestName],
    ['ClusterRoleBinding', core.clusterRoleBindings, requestName],
  ])('and its %s come back when they are deleted', async (_, definition, name) => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    surroundings.cluster.remove(definition, name);
    await subject.reconcile(requestName);
    expect(surroundings.cluster.get(definition, name)).toBeDefined();
  });

  it('is made anew with everything else when the namespace is gone', async () => {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    const { cluster } = surroundings;
    const terminating = structuredClone(cluster.get(core.namespaces, namespace) as Namespace);
    cluster.put(core.namespaces, { ...terminating, status: { phase: 'Terminating' } });
    expect(await subject.reconcile(requestName)).toMatchObject({ requeueAfterMs: 1000 });
    for (const [definition, name] of [
      [resources.managedClusters, 'child1'],
      [core.serviceAccounts, namespace],
      [core.roles, 'clusternet-managedcluster-role'],
      [core.roleBindings, 'clusternet-managedcluster-role'],
    ] as const) {
      cluster.remove(definition, `${namespace}/${name}`);
    }
    cluster.remove(core.namespaces, namespace);
    await subject.reconcile(requestName);
    expect(cluster.get(core.namespaces, namespace)).toBeDefined();
    expect(managedCluster()).toBeDefined();
  });
});

describe('deregistration', () => {
  async function registered(): Promise<Approver> {
    ask();
    const subject = approver();
    await subject.reconcile(requestName);
    return subject;
  }

  it('leaves nothing behind, and lets go of what waits for a child', async () => {
    const subject = await registered();
    const { cluster } = surroundings;
    const metadata = {
      name: 'app',
      namespace,
      finalizers: ['apps.clusternet.io/finalizer'],
      deletionTimestamp: '2026-01-01T00:00:00Z',
    };
    const pairs = { [labels.subsNamespace]: 'shop', [labels.subsName]: 'web' };
    cluster.put(resources.bases, { apiVersion: 'v1', kind: 'Base', metadata: { ...metadata, labels: pairs } });
    cluster.put(resources.descriptions, { apiVersion: 'v1', kind: 'Description', metadata: { ...metadata } });
    await cluster.resource(resources.clusterRegistrationRequests).delete({ name: requestName });
    await subject.reconcile(requestName);
    await subject.reconcile(requestName);
    for (const definition of [
      resources.clusterRegistrationRequests,
      resources.managedClusters,
      resources.bases,
      resources.descriptions,
      core.namespaces,
      core.clusterRoles,
      core.clusterRoleBindings,
      core.roleBindings,
      core.serviceAccounts,
    ]) {
      expect(cluster.list(definition)).toEqual([]);
    }
    expect(surroundings.events.at(-1)).toMatchObject({
      reason: 'Deregistered',
      message: expect.stringContaining('what was deployed stays in the cluster, of shop/web:'),
    });
  });

  it('of a request under a false id does not touch the cluster that it names', async () => {
    const subject = await registered();
    const { cluster } = surroundings;
    const false_ = requestOf(other, { clusterId: id, publicKey: key.publicKey });
    cluster.put(resources.clusterRegistrationRequests, false_);
    await subject.reconcile(`clusternet-${other}`);
    await cluster.resource(resources.clusterRegistrationRequests).delete({ name: `clusternet-${other}` });
    await subject.reconcile(`clusternet-${other}`);
    expect(managedCluster()).toBeDefined();
    expect(cluster.get(core.namespaces, namespace)).toBeDefined();
  });
});
