// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { annotations, type Base, type HelmChart, type HelmRelease, type ManagedCluster, resources } from '@clusternet/api-types';
import { ApiError, core } from '@clusternet/client';
import { type ChartCredentials, ChartSourceError } from '@clusternet/deployer';
import { type Secret } from '../kube/objects.ts';
import { fakeContext } from '../testing/context.ts';
import { ChartCredentialsController, credentialsForPush } from './chartCredentials.ts';

const apiVersion = 'apps.clusternet.io/v1alpha1';
const repo = 'https://charts.example.com';

let surroundings: ReturnType<typeof fakeContext>;
let controller: ChartCredentialsController;
/** What the Secret of each HelmChart holds, or why it cannot be had. */
let known: Record<string, ChartCredentials | Error>;
const secrets = {
  credentialsOf: async ({ metadata, spec }: HelmChart) => {
    const found = spec.chartPullSecret?.name ? known[metadata.name] : undefined;
    if (found instanceof Error) throw found;
    return found;
  },
};

beforeEach(() => {
  surroundings = fakeContext();
  controller = new ChartCredentialsController(surroundings.context, secrets);
  known = { web: { username: 'reader', password: 'one' }, db: { username: 'reader', password: 'two' } };
  for (const namespace of ['ns1', 'ns2']) {
    surroundings.cluster.put(core.namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    putCluster(namespace, 'Pull');
  }
  putChart('web');
  putChart('db');
});

function putCluster(namespace: string, syncMode: 'Push' | 'Pull'): void {
  const metadata = { name: `cluster-${namespace}`, namespace };
  const status = { appPusher: true };
  const cluster = { apiVersion: 'clusters.clusternet.io/v1beta1', kind: 'ManagedCluster', metadata, spec: { syncMode }, status };
  surroundings.cluster.put(resources.managedClusters, cluster as unknown as ManagedCluster);
}

function putChart(name: string, spec: Partial<HelmChart['spec']> = {}): void {
  surroundings.cluster.put<HelmChart>(resources.helmCharts, {
    apiVersion,
    kind: 'HelmChart',
    metadata: { name, namespace: 'shop' },
    spec: { repo, chart: name, targetNamespace: 'shop', chartPullSecret: { name: 'reader' }, ...spec },
  });
}

function feed(namespace: string, ...names: string[]): void {
  surroundings.cluster.put<Base>(resources.bases, {
    apiVersion,
    kind: 'Base',
    metadata: { name: 'app', namespace },
    spec: { feeds: names.map((name) => ({ apiVersion, kind: 'HelmChart', namespace: 'shop', name })) },
  });
}

/** The credentials that the agent of a namespace can read, by HelmChart. */
function handedOver(namespace: string): Record<string, unknown> | undefined {
  const secret = surroundings.cluster.get<Secret>(core.secrets, `${namespace}/helm-chart-credentials`);
  if (!secret) return undefined;
  const entries = Object.entries(secret.data ?? {}).map(([key, value]) => {
    return [key, JSON.parse(Buffer.from(value, 'base64').toString()) as unknown] as const;
  });
  return Object.fromEntries(entries);
}

describe('the credentials of an agent that deploys by itself', () => {
  it('are those of the charts it is fed, and no others, with the repository they are for', async () => {
    feed('ns1', 'web');
    await Promise.all(['ns1', 'ns2'].map((namespace) => controller.reconcile(namespace)));
    expect(handedOver('ns1')).toEqual({ 'shop.web': { repo, username: 'reader', password: 'one' } });
    expect(handedOver('ns2')).toBeUndefined();
  });

  it('are written when they change, looked at again in time, and not written otherwise', async () => {
    feed('ns1', 'web', 'db');
    expect(await controller.reconcile('ns1')).toEqual({ requeueAfterMs: 120_000 });
    const { length } = surroundings.cluster.writes;
    await controller.reconcile('ns1');
    expect(surroundings.cluster.writes).toHaveLength(length);
    known['web'] = { username: 'reader', password: 'other' };
    await controller.reconcile('ns1');
    expect(handedOver('ns1')?.['shop.web']).toMatchObject({ password: 'other' });
  });

  it('go with the chart, and with the last one the Secret', async () => {
    feed('ns1', 'web', 'db');
    await controller.reconcile('ns1');
    feed('ns1', 'db');
    // The fake merges what it applies; the API server takes out what is applied no longer.
    surroundings.cluster.remove(core.secrets, 'ns1/helm-chart-credentials');
    await controller.reconcile('ns1');
    expect(Object.keys(handedOver('ns1') ?? {})).toEqual(['shop.db']);
    feed('ns1');
    await controller.reconcile('ns1');
    expect(handedOver('ns1')).toBeUndefined();
  });

  it('are taken back when the hub deploys there from now on', async () => {
    feed('ns1', 'web');
    await controller.reconcile('ns1');
    putCluster('ns1', 'Push');
    await controller.reconcile('ns1');
    expect(handedOver('ns1')).toBeUndefined();
  });

  it.each(['there is no Secret shop/reader', 'the hub may not read Secret shop/reader'])(
    'are taken back when %s',
    async (message) => {
      feed('ns1', 'web');
      await controller.reconcile('ns1');
      known['web'] = new ChartSourceError('Unauthorized', message);
      await controller.reconcile('ns1');
      expect(handedOver('ns1')).toBeUndefined();
    },
  );

  it('stay while the API server does not answer', async () => {
    feed('ns1', 'web');
    await controller.reconcile('ns1');
    known['web'] = new ApiError('try again', { status: 503 });
    await expect(controller.reconcile('ns1')).rejects.toThrow('try again');
    expect(handedOver('ns1')).toBeDefined();
  });

  it('are not written into a namespace that is on its way out, and not for a chart that is', async () => {
    feed('ns1', 'web');
    const gone = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] };
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ns1', ...gone },
      status: { phase: 'Terminating' },
    };
    surroundings.cluster.put(core.namespaces, namespace);
    await controller.reconcile('ns1');
    expect(handedOver('ns1')).toBeUndefined();
  });

  it('follow what changes by themselves, once it runs', async () => {
    controller.start();
    try {
      feed('ns2', 'web');
      for (let tries = 0; handedOver('ns2') === undefined && tries < 200; tries++)
        await new Promise((done) => setTimeout(done, 10));
      expect(handedOver('ns2')).toBeDefined();
    } finally {
      await controller.close();
    }
  });
});

describe('credentials for a release that the hub deploys', () => {
  const release = (spec: Partial<HelmRelease['spec']> = {}, chart = 'shop/web'): HelmRelease => ({
    apiVersion,
    kind: 'HelmRelease',
    metadata: { name: 'app-helm-shop-web', namespace: 'ns1', annotations: { [annotations.helmChart]: chart } },
    spec: { repo, chart: 'web', targetNamespace: 'shop', chartPullSecret: { name: 'reader' }, ...spec },
  });
  const credentials = (one: HelmRelease) => credentialsForPush({ stores: surroundings.context.stores, secrets }, one);

  it('are those of the HelmChart, whatever the HelmRelease says of Secrets', async () => {
    feed('ns1', 'web');
    expect(await credentials(release())).toMatchObject({ password: 'one' });
    expect(await credentials(release({ chartPullSecret: { name: 'theirs', namespace: 'kube-system' } }))).toMatchObject({
      password: 'one',
    });
  });

  it('are sent to no other repository', async () => {
    feed('ns1', 'web');
    expect(await credentials(release({ repo: 'https://evil.example.com' }))).toBeUndefined();
  });

  it('are not those of a chart that nobody feeds there, which it says', async () => {
    feed('ns1', 'web');
    await expect(credentials(release({}, 'shop/db'))).rejects.toThrow(/does not feed the HelmChart any longer/);
    expect(await credentials(release({ chartPullSecret: undefined }, 'shop/db'))).toBeUndefined();
  });
});
