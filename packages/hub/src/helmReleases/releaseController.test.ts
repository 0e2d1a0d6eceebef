// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Description, finalizers, type HelmRelease, type HelmReleaseStatus, labels, resources } from '@clusternet/api-types';
import { fakeContext } from '../testing/context.ts';
import { ReleaseController } from './releaseController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: ReleaseController;

beforeEach(() => {
  surroundings = fakeContext();
  controller = new ReleaseController(surroundings.context);
});

const base64 = (value: string): string => Buffer.from(value).toString('base64');
const chart = (name: string, spec: object = {}): string =>
  base64(
    JSON.stringify({
      metadata: {
        name,
        namespace: 'shop',
        labels: { team: 'a' },
        annotations: { 'apps.clusternet.io/chart-digest': 'sha256:aa' },
      },
      spec: { repo: 'https://c', chart: name, version: '1.0.0', targetNamespace: 'shop', ...spec },
    }),
  );

function put(names: string[], more: Partial<Description['spec']> = {}, metadata: object = {}): void {
  const before = surroundings.cluster.get<Description>(resources.descriptions, 'ns1/app-helm');
  surroundings.cluster.put<Description>(resources.descriptions, {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Description',
    metadata: {
      name: 'app-helm',
      namespace: 'ns1',
      uid: 'du',
      generation: (before?.metadata.generation ?? 0) + 1,
      finalizers: [finalizers.default],
      labels: { [labels.subsName]: 'app', [labels.clusterName]: 'child1' },
      ...metadata,
    },
    spec: {
      deployer: 'Helm',
      charts: names.map((name) => ({ namespace: 'shop', name })),
      chartRaw: names.map((name) => chart(name)),
      raw: names.map((name) => base64(name === 'web' ? '{"a":1}' : ' ')),
      ...more,
    },
    ...(before?.status ? { status: before.status } : {}),
  });
}

const work = (): Promise<unknown> => controller.reconcile('ns1/app-helm');
const release = (name: string): HelmRelease | undefined =>
  surroundings.cluster.get<HelmRelease>(resources.helmReleases, `ns1/app-helm-shop-${name}`);
const status = (): Description['status'] => surroundings.cluster.get<Description>(resources.descriptions, 'ns1/app-helm')?.status;

function report(name: string, next: HelmReleaseStatus): void {
  const present = release(name);
  if (!present) throw new Error(`no release ${name}`);
  surroundings.cluster.put(resources.helmReleases, {
    ...present,
    metadata: { ...present.metadata, generation: 1 },
    status: { observedGeneration: 1, ...next },
  });
}

describe('ReleaseController', () => {
  it('makes a HelmRelease for each chart, labelled and owned', async () => {
    put(['web', 'db']);
    await work();
    expect(release('web')).toMatchObject({
      metadata: {
        labels: { team: 'a', [labels.configKind]: 'Description', [labels.configName]: 'app-helm', [labels.subsName]: 'app' },
        annotations: { 'apps.clusternet.io/helm-chart': 'shop/web', 'apps.clusternet.io/chart-digest': 'sha256:aa' },
        ownerReferences: [{ kind: 'Description', uid: 'du', controller: true }],
        finalizers: [finalizers.default],
      },
      spec: { chart: 'web', version: '1.0.0', releaseName: 'web', overrides: base64('{"a":1}') },
    });
    expect(release('db')?.spec.overrides).toBeUndefined();
    expect(status()).toMatchObject({ phase: 'Pending', reason: '' });
  });

  it('writes nothing when nothing changed, and only what differs', async () => {
    put(['web', 'db']);
    await work();
    const writes = surroundings.cluster.writes.length;
    await work();
    expect(surroundings.cluster.writes.slice(writes)).toEqual([]);
    put(['web', 'db'], { chartRaw: [chart('web', { wait: true }), chart('db')] });
    await work();
    expect(surroundings.cluster.writes.slice(writes)).toEqual(['patch helmreleases ns1/app-helm-shop-web']);
    expect(release('web')?.spec.wait).toBe(true);
    put(['web', 'db']);
    await work();
    expect(release('web')?.spec.wait).toBeUndefined();
  });

  it('brings the states of all charts together', async () => {
    put(['web', 'db']);
    await work();
    report('web', { phase: 'deployed', version: 1, chartVersion: '1.0.0' });
    await work();
    expect(status()?.phase).toBe('Pending');
    report('db', { phase: 'failed', notes: 'INSTALLATION FAILED: no room', description: 'InstallFailed' });
    await work();
    expect(status()).toMatchObject({
      phase: 'Failure',
      reason: 'shop/db: INSTALLATION FAILED: no room',
      manifestStatuses: [
        { kind: 'HelmChart', name: 'web', observedStatus: { phase: 'deployed', version: 1 } },
        { kind: 'HelmChart', name: 'db', error: { reason: 'InstallFailed', message: 'INSTALLATION FAILED: no room' } },
      ],
    });
    const applied = status()?.conditions?.find(({ type }) => type === 'Applied');
    expect(applied).toMatchObject({ status: 'False', reason: 'ChartsFailed', message: 'shop/db: INSTALLATION FAILED: no room' });
    const writes = surroundings.cluster.writes.length;
    await work();
    expect(surroundings.cluster.writes.length).toBe(writes);
    expect(status()?.observedGeneration).toBeUndefined();
    report('db', { phase: 'deployed' });
    await work();
    expect(status()).toMatchObject({ phase: 'Success', reason: '', observedGeneration: 1 });
    expect(surroundings.events.map(({ reason }) => reason)).toEqual(['HelmReleaseFailure']);
  });

  it.each([
    ['pending-install', 'Installing'],
    ['pending-upgrade', 'Upgrading'],
    ['pending-rollback', 'Upgrading'],
    ['uninstalling', 'Uninstalling'],
    ['superseded', 'Superseded'],
    ['unknown', 'Unknown'],
  ])('shows %s as %s', async (phase, shown) => {
    put(['web']);
    await work();
    report('web', { phase });
    await work();
    expect(status()?.phase).toBe(shown);
  });

  it('is not done before a changed HelmRelease is', async () => {
    put(['web']);
    await work();
    report('web', { phase: 'deployed' });
    await work();
    expect(status()).toMatchObject({ phase: 'Success', observedGeneration: 1 });
    report('web', { phase: 'deployed', observedGeneration: 0 });
    await work();
    expect(status()?.phase).toBe('Pending');
  });

  it('takes away what is not wanted any longer', async () => {
    put(['web', 'db']);
    await work();
    put(['web']);
    await work();
    expect(release('db')?.metadata.deletionTimestamp).toBeDefined();
    expect(status()?.phase).toBe('Uninstalling');
    surroundings.cluster.remove(resources.helmReleases, 'ns1/app-helm-shop-db');
    report('web', { phase: 'deployed' });
    await work();
    expect(status()).toMatchObject({ phase: 'Success', observedGeneration: 2 });
  });

  it('lets a Description go when all its HelmReleases have gone', async () => {
    put(['web']);
    await work();
    put(['web'], {}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    await work();
    expect(release('web')?.metadata.deletionTimestamp).toBeDefined();
    expect(status()?.phase).toBe('Uninstalling');
    report('web', { phase: 'uninstalling', notes: 'a hook failed' });
    await work();
    expect(status()?.reason).toMatch(/cannot be uninstalled: a hook failed/);
    surroundings.cluster.remove(resources.helmReleases, 'ns1/app-helm-shop-web');
    await work();
    expect(surroundings.cluster.get(resources.descriptions, 'ns1/app-helm')).toBeUndefined();
  });

  it.each([
    ['lists of different lengths', { raw: [] }, /must be of one length/],
    ['charts that are none', { chartRaw: [base64('{"metadata":{}}')] }, /spec\.chartRaw\[0\] is not the JSON of a HelmChart/],
  ])('says so of a Description with %s, and leaves what is deployed', async (_, spec, reason) => {
    put(['web']);
    await work();
    put(['web'], spec);
    await work();
    expect(status()).toMatchObject({ phase: 'Failure', reason: expect.stringMatching(reason) });
    expect(release('web')?.metadata.deletionTimestamp).toBeUndefined();
  });
});
