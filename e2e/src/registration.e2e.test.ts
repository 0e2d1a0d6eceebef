// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiVersionOf, type ClusterRegistrationRequest, labels, type ManagedCluster, resources } from '@clusternet/api-types';
import { core, isForbidden, isUnauthorized, KubeClient } from '@clusternet/client';
import {
  type ClusterSet,
  createBootstrapToken,
  installChart,
  startClusters,
  startWorkload,
  type Workload,
} from '@clusternet/localup';
import { compactDecrypt, exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import { eventually, throughout } from './testing/eventually.ts';
import { logDir } from './testing/logDir.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let set: ClusterSet;
let hub: Workload;
let admin: KubeClient;
/** What an agent has before it is registered. */
let bootstrap: KubeClient;
const clients: KubeClient[] = [];

async function installHub(approval: 'auto' | 'manual'): Promise<void> {
  const values = { replicaCount: 1, registration: { approval } };
  const chart = { chartDir: file('charts/clusternet-hub'), release: 'clusternet-hub', namespace: 'clusternet-system', values };
  await installChart({ cluster: set.parent, ...chart });
}

beforeAll(async () => {
  set = await startClusters({ parent: {}, children: [], logDir: logDir() });
  await installHub('auto');
  const entrypoints = { 'clusternet/clusternet-hub': file('packages/hub/dist/main.js') };
  hub = await startWorkload({ cluster: set.parent, namespace: 'clusternet-system', deployment: 'clusternet-hub', entrypoints });
  await hub.waitReady();
  admin = await KubeClient.fromKubeConfig({ path: set.parent.kubeconfigPath });
  bootstrap = connect(await createBootstrapToken(set.parent.api));
}, 600_000);

afterAll(async () => {
  await Promise.all([admin, ...clients].map((client) => client?.close()));
  await hub?.stop();
  await set?.close();
}, 120_000);

function connect(token: string): KubeClient {
  const client = KubeClient.fromOptions({ server: set.parent.server, caPem: set.parent.caPem, token });
  clients.push(client);
  return client;
}

/** An agent as far as the hub can see it. */
class Agent {
  readonly id = randomUUID();
  readonly name: string;
  readonly requestName = `clusternet-${this.id}`;
  #privateKey: CryptoKey | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async makeKey(): Promise<string> {
    const pair = await generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' });
    this.#privateKey = pair.privateKey;
    return JSON.stringify(await exportJWK(pair.publicKey));
  }

  async ask(spec: Partial<ClusterRegistrationRequest['spec']> = {}): Promise<void> {
    await bootstrap.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).create({
      apiVersion: apiVersionOf(resources.clusterRegistrationRequests),
      kind: 'ClusterRegistrationRequest',
      metadata: { name: this.requestName },
      spec: { clusterId: this.id, clusterName: this.name, syncMode: 'Pull', publicKey: await this.makeKey(), ...spec },
    });
  }

  async request(): Promise<ClusterRegistrationRequest> {
    return admin.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).get({ name: this.requestName });
  }

  async patchSpec(spec: Record<string, unknown>): Promise<void> {
    await admin.resource(resources.clusterRegistrationRequests).patch({ name: this.requestName }, { spec }, { type: 'merge' });
  }

  async judge(status: Record<string, unknown>): Promise<void> {
    const o = { type: 'merge', subresource: 'status' } as const;
    await admin.resource(resources.clusterRegistrationRequests).patch({ name: this.requestName }, { status }, o);
  }

  /** Waits for the approval. */
  async approved(): Promise<{ namespace: string; sealed: string }> {
    return eventually(async () => {
      const { status } = await this.request();
      expect(status).toMatchObject({ result: 'Approved', managedClusterName: this.name });
      return { namespace: status?.dedicatedNamespace ?? '', sealed: status?.encryptedToken ?? '' };
    });
  }

  async token(sealed: string): Promise<string> {
    return new TextDecoder().decode((await compactDecrypt(sealed, this.#privateKey as CryptoKey)).plaintext);
  }

  /** A registered cluster with its credential in the parent. */
  async join(spec?: Partial<ClusterRegistrationRequest['spec']>): Promise<{ namespace: string; client: KubeClient }> {
    await this.ask(spec);
    const { namespace, sealed } = await this.approved();
    return { namespace, client: connect(await this.token(sealed)) };
  }

  async deregister(): Promise<void> {
    const requests = admin.resource(resources.clusterRegistrationRequests);
    await requests.delete({ name: this.requestName });
    await eventually(async () => expect(await requests.find({ name: this.requestName })).toBeUndefined());
  }
}

async function managedCluster(namespace: string, name: string): Promise<ManagedCluster> {
  return admin.resource<ManagedCluster>(resources.managedClusters).get({ namespace, name });
}

async function refused(attempt: Promise<unknown>): Promise<void> {
  const error = await attempt.then(
    () => 'allowed',
    (cause: unknown) => cause,
  );
  expect(isForbidden(error) ? 'forbidden' : error).toBe('forbidden');
}

describe('automatic approval', () => {
  it('registers a cluster and hands out a credential that works in its namespace and nowhere else', async () => {
    const [one, two] = [new Agent('scope-one'), new Agent('scope-two')];
    const [mine, theirs] = await Promise.all([one.join(), two.join()]);
    const { client } = mine;
    expect((await client.resource(resources.managedClusters).list({ namespace: mine.namespace })).items).toHaveLength(1);
    expect((await client.resource(core.namespaces).get({ name: mine.namespace })).metadata.labels?.[labels.clusterId]).toBe(
      one.id,
    );
    await client.resource(resources.clusterRegistrationRequests).get({ name: one.requestName });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'child-cluster-deployer', namespace: mine.namespace } };
    await client.resource(core.secrets).create(secret);
    await client.resource(core.secrets).get(secret.metadata);

    await refused(client.resource(core.secrets).list({ namespace: mine.namespace }));
    await refused(client.resource(core.secrets).get({ namespace: mine.namespace, name: 'another' }));
    for (const namespace of ['kube-system', 'clusternet-system', theirs.namespace]) {
      await refused(client.resource(core.secrets).list({ namespace }));
      await refused(client.resource(core.secrets).get({ namespace, name: 'child-cluster-deployer' }));
      await refused(client.resource(resources.descriptions).list({ namespace }));
      await refused(client.resource(resources.managedClusters).list({ namespace }));
      await refused(client.resource(core.namespaces).get({ name: namespace }));
    }
    await refused(client.resource(core.secrets).list());
    await refused(client.resource(resources.clusterRegistrationRequests).get({ name: two.requestName }));
    await refused(client.resource(resources.clusterRegistrationRequests).list());
    const approve = { type: 'merge', subresource: 'status' } as const;
    await refused(
      client.resource(resources.clusterRegistrationRequests).patch({ name: one.requestName }, { status: {} }, approve),
    );
    const cluster = { namespace: mine.namespace, name: one.name };
    await refused(
      client.resource(resources.managedClusters).patch(cluster, { metadata: { labels: { x: 'y' } } }, { type: 'merge' }),
    );
    await refused(client.resource(core.roleBindings).list({ namespace: mine.namespace }));
  });

  it('keeps the credential unreadable for everybody else', async () => {
    const agent = new Agent('sealed');
    const { client } = await agent.join();
    const status = (await bootstrap.resource(resources.clusterRegistrationRequests).get({ name: agent.requestName })).status as {
      token?: string;
      encryptedToken?: string;
    };
    expect(status.token).toBeUndefined();
    const other = new Agent('x');
    await other.makeKey();
    await expect(other.token(status.encryptedToken ?? '')).rejects.toThrow();
    await client.resource(resources.clusterRegistrationRequests).get({ name: agent.requestName });
  });

  it('refuses an id that the name does not carry', async () => {
    const agent = new Agent('wrong-id');
    await agent.ask({ clusterId: randomUUID() });
    await eventually(async () => expect((await agent.request()).status).toMatchObject({ result: 'Denied' }));
    expect((await agent.request()).status?.errorMessage).toContain('spec.clusterId');
  });

  it('gives a name once; the second one waits with a message and an event, and goes on when the name is free', async () => {
    const [first, second] = [new Agent('twin'), new Agent('twin')];
    await first.join();
    await second.ask();
    await eventually(
      async () =>
        expect((await second.request()).status?.errorMessage).toMatch(
          /the cluster name twin is taken.*kubectl delete clsrr clusternet-/,
        ),
      20,
    );
    const { resourceVersion } = (await second.request()).metadata;
    await throughout(3, async () => expect((await second.request()).metadata.resourceVersion).toBe(resourceVersion));
    await eventually(async () => {
      const { items } = await admin.resource(core.events).list({ fieldSelector: `involvedObject.name=${second.requestName}` });
      expect(items.map(({ reason }) => reason)).toContain('DuplicateClusterName');
    });
    await first.deregister();
    await second.approved();
  });

  it('does not hand a known cluster to another key until a person says so', async () => {
    const agent = new Agent('pinned');
    await agent.join();
    await agent.patchSpec({ publicKey: await agent.makeKey() });
    await eventually(async () => expect((await agent.request()).status?.errorMessage).toContain('with another key'));
    expect((await agent.request()).status?.encryptedToken).toBeUndefined();
    await agent.judge({ result: 'Approved' });
    const { sealed } = await eventually(() => agent.approved());
    expect(await agent.token(sealed)).toContain('.');
  });

  it('passes changed flags on, and keeps the labels of people', async () => {
    const agent = new Agent('flags');
    const { namespace, client } = await agent.join({ clusterLabels: { env: 'dev', [labels.clusterId]: randomUUID() } });
    const cluster = { namespace, name: agent.name };
    await admin.resource(resources.managedClusters).patch(cluster, { metadata: { labels: { owner: 'ops' } } }, { type: 'merge' });
    expect((await managedCluster(namespace, agent.name)).metadata.labels).toMatchObject({
      env: 'dev',
      [labels.clusterId]: agent.id,
    });
    const spec = { syncMode: 'Dual', clusterLabels: { env: null, tier: 'gold' } };
    await client.resource(resources.clusterRegistrationRequests).patch({ name: agent.requestName }, { spec }, { type: 'merge' });
    await eventually(async () => {
      const { metadata, spec: now } = await managedCluster(namespace, agent.name);
      expect(now.syncMode).toBe('Dual');
      expect(metadata.labels).toMatchObject({ owner: 'ops', tier: 'gold' });
      expect(metadata.labels).not.toHaveProperty('env');
    });
  });
});

describe('repair', () => {
  it('of ManagedCluster, rights and ServiceAccount', async () => {
    const agent = new Agent('repaired');
    const { namespace, client } = await agent.join();
    const { metadata } = await managedCluster(namespace, agent.name);
    await admin.resource(resources.managedClusters).delete({ namespace, name: agent.name });
    await eventually(async () => expect((await managedCluster(namespace, agent.name)).metadata.uid).not.toBe(metadata.uid));

    await admin.resource(core.clusterRoles).delete({ name: agent.requestName });
    await admin.resource(core.roleBindings).delete({ namespace, name: 'clusternet-managedcluster-role' });
    await eventually(() => client.resource(resources.descriptions).list({ namespace }));
    await eventually(() => client.resource(resources.clusterRegistrationRequests).get({ name: agent.requestName }));

    const { sealed } = await agent.approved();
    await admin.resource(core.serviceAccounts).delete({ namespace, name: namespace });
    await eventually(async () => expect((await agent.approved()).sealed).not.toBe(sealed));
    const renewed = connect(await agent.token((await agent.approved()).sealed));
    await eventually(() => renewed.resource(resources.managedClusters).list({ namespace }));
  });

  it('of a deleted namespace, although something in it waits for its deployer', async () => {
    const agent = new Agent('razed');
    const { namespace } = await agent.join();
    const { uid } = (await admin.resource(core.namespaces).get({ name: namespace })).metadata;
    const held = { namespace, name: 'app-xxxxx', finalizers: ['apps.clusternet.io/finalizer'] };
    await admin
      .resource(resources.bases)
      .create({ apiVersion: apiVersionOf(resources.bases), kind: 'Base', metadata: held, spec: { feeds: [] } });
    const { sealed } = await agent.approved();
    await admin.resource(core.namespaces).delete({ name: namespace });
    await eventually(async () => {
      expect((await admin.resource(core.namespaces).get({ name: namespace })).metadata.uid).not.toBe(uid);
      await managedCluster(namespace, agent.name);
      expect((await agent.approved()).sealed).not.toBe(sealed);
    });
  });
});

describe('deregistration', () => {
  it('leaves nothing behind and ends the credential', async () => {
    const agent = new Agent('leaver');
    const { namespace, client } = await agent.join();
    const held = { namespace, name: 'app-xxxxx', finalizers: ['apps.clusternet.io/finalizer'] };
    const definition = resources.descriptions;
    const spec = { deployer: 'Generic' };
    await admin.resource(definition).create({ apiVersion: apiVersionOf(definition), kind: 'Description', metadata: held, spec });
    await agent.deregister();
    expect(await admin.resource(core.namespaces).find({ name: namespace })).toBeUndefined();
    expect(await admin.resource(core.clusterRoles).find({ name: agent.requestName })).toBeUndefined();
    expect(await admin.resource(core.clusterRoleBindings).find({ name: agent.requestName })).toBeUndefined();
    await eventually(async () => {
      const error = await client
        .resource(resources.managedClusters)
        .list({ namespace })
        .catch((cause: unknown) => cause);
      expect(isUnauthorized(error)).toBe(true);
    });
  });

  it('of a request under a false id does not touch the cluster that it names', async () => {
    const agent = new Agent('victim');
    const { namespace } = await agent.join();
    const attacker = new Agent('attacker');
    await attacker.ask({ clusterId: agent.id });
    await eventually(async () => expect((await attacker.request()).status).toMatchObject({ result: 'Denied' }));
    await attacker.deregister();
    await throughout(2, async () => {
      await managedCluster(namespace, agent.name);
      expect((await admin.resource(core.namespaces).get({ name: namespace })).metadata.deletionTimestamp).toBeUndefined();
    });
  });
});

describe('manual approval', () => {
  beforeAll(async () => {
    await installHub('manual');
    await hub.restart();
    await hub.waitReady();
  }, 300_000);

  it('says how to approve, and goes on when somebody did', async () => {
    const agent = new Agent('manual');
    await agent.ask();
    await eventually(async () => {
      const { status } = await agent.request();
      expect(status?.errorMessage).toContain(`kubectl patch clsrr ${agent.requestName} --subresource=status --type=merge`);
      expect(status?.result).toBeUndefined();
    });
    await agent.judge({ result: 'Approved' });
    const { namespace, sealed } = await agent.approved();
    await connect(await agent.token(sealed))
      .resource(resources.managedClusters)
      .list({ namespace });
  });

  it('keeps a denial', async () => {
    const agent = new Agent('denied');
    await agent.ask();
    await eventually(async () => expect((await agent.request()).status?.errorMessage).toContain('waits for approval'));
    await agent.judge({ result: 'Denied' });
    await eventually(async () => expect((await agent.request()).status?.errorMessage).toBe('denied by an administrator'));
    await agent.patchSpec({ syncMode: 'Push' });
    await throughout(2, async () => expect((await agent.request()).status?.result).toBe('Denied'));
    expect(await admin.resource(core.clusterRoles).find({ name: agent.requestName })).toBeUndefined();
  });

  it('takes the credential of a registered cluster away with a denial, and gives another with an approval', async () => {
    const agent = new Agent('suspended');
    await agent.ask();
    await eventually(async () => expect((await agent.request()).status?.errorMessage).toContain('waits for approval'));
    await agent.judge({ result: 'Approved' });
    const { namespace, sealed } = await agent.approved();
    const suspended = connect(await agent.token(sealed)).resource(resources.managedClusters);
    await suspended.list({ namespace });
    await agent.judge({ result: 'Denied' });
    await eventually(async () => {
      expect((await agent.request()).status).toEqual({ result: 'Denied', errorMessage: 'denied by an administrator' });
      expect(isUnauthorized(await suspended.list({ namespace }).catch((error: unknown) => error))).toBe(true);
    });
    await agent.judge({ result: 'Approved' });
    const again = await agent.approved();
    const resumed = connect(await agent.token(again.sealed));
    await eventually(() => resumed.resource(resources.managedClusters).list({ namespace: again.namespace }));
    expect(again.namespace).toBe(namespace);
  });
});
