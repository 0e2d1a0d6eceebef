// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { createdBy, labels, type ManagedCluster, resources } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Cluster } from '@clusternet/localup';
import { TunnelClient, type TunnelState } from '@clusternet/tunnel';
import { accountToken } from './adminToken.ts';
import { inParallel } from './inParallel.ts';

interface Member {
  clusterId: string;
  client: TunnelClient;
  /** Called with each change of the tunnel's state. */
  onChange?: (state: TunnelState) => void;
}

/** Many clusters that do nothing but hold a tunnel, each with a credential of its own, by the client that agents have. */
export class Fleet implements AsyncDisposable {
  readonly #admin: KubeClient;
  readonly #members: Member[];

  private constructor(admin: KubeClient, members: Member[]) {
    this.#admin = admin;
    this.#members = members;
  }

  /** Makes in the parent what registration would have made. */
  static async prepare(admin: KubeClient, parent: Cluster, count: number): Promise<Fleet> {
    await allowTunnels(admin);
    const members: Member[] = [];
    await inParallel(
      Array.from({ length: count }, (_, i) => i),
      32,
      async (number) => {
        const clusterId = `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
        const token = await register(admin, clusterId, `idle-${number}`);
        const member: Member = {
          clusterId,
          client: new TunnelClient({
            url: `${parent.server}/apis/proxies.clusternet.io/v1alpha1/sockets/${clusterId}/attach`,
            headers: async () => ({ authorization: `Bearer ${token}` }),
            tls: async () => ({ ca: parent.caPem }),
            onChange: (state) => member.onChange?.(state),
          }),
        };
        members.push(member);
      },
    );
    return new Fleet(admin, members);
  }

  /** Opens all tunnels at once; resolves when they are up. */
  async connect(): Promise<void> {
    const up = this.#members.map((member) => connected(member));
    for (const { client } of this.#members) client.start();
    await Promise.all(up);
  }

  /** When each of the tunnels was up again, on the clock of `performance`, after they were lost. */
  returned(): Promise<number[]> {
    return Promise.all(
      this.#members.map(async (member) => {
        await lost(member);
        await connected(member);
        return performance.now();
      }),
    );
  }

  /** Seats of the parent's API server that requests hold at this moment. */
  async seats(): Promise<number> {
    const { body } = await this.#admin.text({ method: 'GET', path: '/metrics' });
    const seats = body.matchAll(/^apiserver_flowcontrol_current_executing_seats\{.*\} (\d+)$/gm);
    return [...seats].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map(({ client }) => client.close()));
  }
}

function connected(member: Member): Promise<void> {
  return state(member, true);
}

function lost(member: Member): Promise<void> {
  return state(member, false);
}

function state(member: Member, wanted: boolean): Promise<void> {
  return new Promise((resolve) => {
    member.onChange = (now) => {
      if (now.connected === wanted) resolve();
    };
  });
}

/** Every ServiceAccount may open a tunnel; whose it is, the hub finds out by itself. */
async function allowTunnels(admin: KubeClient): Promise<void> {
  const name = 'idle-tunnels';
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await admin.request({
    method: 'POST',
    path: `/apis/${apiVersion}/clusterroles`,
    body: {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [{ apiGroups: ['proxies.clusternet.io'], resources: ['sockets', 'sockets/attach'], verbs: ['get'] }],
    },
  });
  await admin.resource(core.clusterRoleBindings).create({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:serviceaccounts' }],
  });
}

/** A dedicated namespace with a ServiceAccount and a ManagedCluster; resolves to the account's token. */
async function register(admin: KubeClient, clusterId: string, name: string): Promise<string> {
  const own = { [labels.createdBy]: createdBy.agent, [labels.clusterId]: clusterId, [labels.clusterName]: name };
  const account = { name, namespace: name };
  await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: own } });
  await admin
    .resource(core.serviceAccounts)
    .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...account, labels: own } });
  await admin.resource<ManagedCluster>(resources.managedClusters).create({
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { ...account, labels: own },
    spec: { clusterId, syncMode: 'Pull' },
  });
  return accountToken(admin, account);
}
