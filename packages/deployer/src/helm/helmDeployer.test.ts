// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { finalizers, type HelmRelease, type HelmReleaseSpec, type KubeObject } from '@clusternet/api-types';
import { ApiError, type KubeClient, objectKey, type ObjectRef } from '@clusternet/client';
import { type Change, silentLogger } from '@clusternet/runtime';
import { eventually, settle } from '../testing/harness.ts';
import { HelmDeployer, type HelmDeployerOptions } from './helmDeployer.ts';
import { type HelmCall, type HelmResult } from './run/helmPool.ts';
import { ChartSourceError } from './source/chartSourceError.ts';

const namespace = 'clusternet-abcde';
const base64 = (data: string | Uint8Array): string => Buffer.from(data).toString('base64');

/** A child with Helm's records in it, a parent with HelmReleases, and a helm in between that does as it is told. */
class Bed {
  readonly releases = new Map<string, HelmRelease>();
  readonly records = new Map<string, KubeObject>();
  readonly calls: string[][] = [];
  readonly events: string[] = [];
  /** What helm does instead of its work. */
  onHelm: ((call: HelmCall) => Promise<HelmResult | undefined>) | undefined;
  /** Why the child does not answer. */
  outage: Error | undefined;
  readonly #handlers = new Set<(change: Change<HelmRelease>) => void>();
  #deployer: HelmDeployer | undefined;
  #version = 0;

  start(more: Partial<HelmDeployerOptions> = {}): HelmDeployer {
    const chart = {
      path: '/charts/web.tgz',
      version: '1.0.0',
      digest: 'sha256:aa',
      contents: { name: 'web', version: '1.0.0', crds: [] },
    };
    this.#deployer = new HelmDeployer({
      engine: {
        pool: { inTurn: (_signal, work) => work(), run: (call) => this.#helm(call) },
        charts: { get: async () => chart },
      },
      child: this.#child() as unknown as KubeClient,
      access: { server: 'https://127.0.0.1:1', token: () => 'the-token' },
      parent: { resource: () => this.#parent() } as unknown as Pick<KubeClient, 'resource'>,
      namespace,
      clusterName: 'eu-1',
      releases: {
        get: (key) => this.releases.get(key),
        list: () => [...this.releases.values()],
        onChange: (handler) => {
          for (const [key, object] of this.releases) handler({ type: 'added', key, object });
          this.#handlers.add(handler);
          return () => this.#handlers.delete(handler);
        },
        waitForSync: async () => undefined,
      },
      credentials: async () => undefined,
      recorder: { event: (_object, { reason, message }) => void this.events.push(`${reason}: ${message}`) },
      logger: silentLogger,
      random: () => 0.5,
      ...more,
    });
    this.#deployer.start();
    return this.#deployer;
  }

  close(): Promise<void> | undefined {
    return this.#deployer?.close();
  }

  want(spec: Partial<HelmReleaseSpec> = {}, name = 'web'): void {
    const before = this.releases.get(`${namespace}/${name}`);
    this.#set({
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'HelmRelease',
      metadata: {
        ...before?.metadata,
        name,
        namespace,
        uid: `uid-${name}`,
        generation: (before?.metadata.generation ?? 0) + 1,
        finalizers: [finalizers.default, 'else.example.com/finalizer'],
      },
      spec: { repo: 'https://c', chart: 'web', version: '1.0.0', targetNamespace: 'shop', releaseName: name, ...spec },
      ...(before?.status ? { status: before.status } : {}),
    });
  }

  unwant(name = 'web'): void {
    const before = this.release(name);
    this.#set({ ...before, metadata: { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  }

  release(name = 'web'): HelmRelease {
    const found = this.releases.get(`${namespace}/${name}`);
    if (!found) throw new Error(`there is no release ${name}`);
    return found;
  }

  phase(name = 'web'): string | undefined {
    const { status, metadata } = this.release(name);
    return status?.observedGeneration === metadata.generation ? status?.phase : undefined;
  }

  /** A record as Helm writes it. */
  record(name: string, version: number, status: string, labels: Record<string, string> = {}): void {
    const text = JSON.stringify({
      name,
      info: { status, notes: 'thanks', description: status },
      chart: { metadata: { name: 'web', version: '1.0.0' } },
    });
    const metadata = {
      name: `sh.helm.release.v1.${name}.v${version}`,
      namespace: 'shop',
      resourceVersion: String(++this.#version),
    };
    this.records.set(metadata.name, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, labels: { owner: 'helm', name, version: String(version), status, ...labels } },
      data: { release: base64(base64(gzipSync(text))) },
    });
  }

  #set(release: HelmRelease): void {
    const key = objectKey(release);
    const previous = this.releases.get(key);
    const gone = release.metadata.deletionTimestamp !== undefined && (release.metadata.finalizers ?? []).length === 0;
    if (gone) this.releases.delete(key);
    else this.releases.set(key, release);
    for (const handler of this.#handlers) {
      handler(
        previous
          ? gone
            ? { type: 'deleted', key, object: release }
            : { type: 'modified', key, object: release, previous }
          : { type: 'added', key, object: release },
      );
    }
  }

  async #helm(call: HelmCall): Promise<HelmResult> {
    this.calls.push(call.args);
    const told = await this.onHelm?.(call);
    if (told) return told;
    const [verb, name = ''] = call.args;
    const versions = [...this.records.values()].map(({ metadata }) => Number(metadata.labels?.['version']));
    if (verb === 'uninstall') this.records.clear();
    else {
      const pairs = (call.args.find((word) => word.startsWith('--labels='))?.slice(9) ?? '').split(',');
      const labels = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
      this.record(name, Math.max(0, ...versions) + 1, 'deployed', labels);
    }
    return { code: 0, stdout: '', stderr: '' };
  }

  #child(): object {
    const answer = <T>(value: T): T => {
      if (this.outage) throw this.outage;
      return value;
    };
    return {
      request: async () => answer({}),
      resource: () => ({
        find: async ({ name }: ObjectRef) => answer(this.records.get(name)),
        listMetadata: async ({ labelSelector = '' }: { labelSelector?: string }) => {
          const [, name] = /name=(.*)$/.exec(labelSelector) ?? [];
          return answer({ items: [...this.records.values()].filter(({ metadata }) => metadata.labels?.['name'] === name) });
        },
      }),
    };
  }

  #parent(): object {
    return {
      find: async (ref: ObjectRef) => this.releases.get(objectKey(ref)),
      patch: async (ref: ObjectRef, patch: { metadata: { uid?: string; finalizers?: string[] }; status?: object }) => {
        const live = this.releases.get(objectKey(ref));
        if (!live || live.metadata.uid !== patch.metadata.uid) throw new ApiError('not found', { status: 404 });
        const status = Object.fromEntries(
          Object.entries({ ...live.status, ...patch.status }).filter(([, value]) => value !== null),
        );
        this.#set({ ...live, metadata: { ...live.metadata, ...patch.metadata }, status });
      },
    };
  }
}

let bed: Bed;

beforeEach(() => {
  bed = new Bed();
});
afterEach(() => bed.close());

const verbs = (): (string | undefined)[] => bed.calls.map(([verb]) => verb);

describe('HelmDeployer', () => {
  it('installs, says so once, and does nothing while nothing changes', async () => {
    bed.want({ overrides: base64('{"password":"of-the-user"}') });
    bed.start();
    await eventually(() => bed.phase() === 'deployed');
    expect(bed.release().status).toMatchObject({
      version: 1,
      notes: 'thanks',
      releaseName: 'web',
      releaseNamespace: 'shop',
      chartVersion: '1.0.0',
    });
    expect(bed.events).toEqual(['Synced: revision 1 of the release is deployed']);
    bed.want({ overrides: base64('{"password":"of-the-user"}'), timeoutSeconds: 20 });
    await eventually(() => bed.phase() === 'deployed');
    expect(verbs()).toEqual(['install']);
    expect(bed.calls.flat().join(' ')).not.toMatch(/of-the-user|the-token/);
  });

  it('upgrades when values or version change', async () => {
    bed.want();
    bed.start();
    await eventually(() => bed.phase() === 'deployed');
    bed.want({ version: '1.1.0' });
    await eventually(() => bed.phase() === 'deployed');
    bed.want({ version: '1.1.0', overrides: base64('{"a":1}') });
    await eventually(() => bed.phase() === 'deployed');
    expect(verbs()).toEqual(['install', 'upgrade', 'upgrade']);
    expect(bed.release().status?.version).toBe(3);
  });

  it("tells helm's reason, and tries again at once when the HelmRelease changes", async () => {
    bed.onHelm = async () => ({ code: 1, stdout: '', stderr: 'WARNING: x\nError: INSTALLATION FAILED: no such kind' });
    bed.want();
    bed.start();
    await eventually(() => bed.phase() === 'failed');
    expect(bed.release().status).toMatchObject({ notes: 'INSTALLATION FAILED: no such kind', description: 'InstallFailed' });
    expect(bed.events).toEqual(['FailedSynced: INSTALLATION FAILED: no such kind']);
    bed.onHelm = undefined;
    bed.want({ version: '1.0.1' });
    await eventually(() => bed.phase() === 'deployed');
    expect(bed.release().status?.notes).toBe('thanks');
  });

  it('runs no helm for a chart that cannot be had, or values that are none', async () => {
    bed.want();
    bed.want({ overrides: base64('[1]') }, 'list');
    bed.start({
      credentials: async () => {
        throw new ChartSourceError('Unauthorized', 'the credentials of the repository are not here yet');
      },
    });
    await eventually(() => bed.phase() === 'failed' && bed.phase('list') === 'failed');
    expect(bed.release().status?.notes).toMatch(/not here yet/);
    expect(bed.release('list').status?.notes).toMatch(/must be an object/);
    expect(bed.calls).toEqual([]);
  });

  it('uninstalls what is its own before it lets go, and leaves the finalizers of others', async () => {
    bed.want();
    bed.start();
    await eventually(() => bed.phase() === 'deployed');
    bed.unwant();
    await eventually(() => !bed.release().metadata.finalizers?.includes(finalizers.default));
    expect(bed.release().metadata.finalizers).toEqual(['else.example.com/finalizer']);
    expect(verbs()).toEqual(['install', 'uninstall']);
    expect(bed.records.size).toBe(0);
  });

  it('keeps its finalizer while helm cannot uninstall, and says why', async () => {
    bed.want();
    bed.start();
    await eventually(() => bed.phase() === 'deployed');
    bed.onHelm = async () => ({ code: 1, stdout: '', stderr: 'Error: a hook failed' });
    bed.unwant();
    await eventually(() => bed.release().status?.phase === 'uninstalling' && bed.release().status?.notes === 'a hook failed');
    expect(bed.release().metadata.finalizers).toContain(finalizers.default);
  });

  it('touches neither the release of somebody else nor one that is to stay', async () => {
    bed.record('theirs', 1, 'deployed', { 'apps.clusternet.io/release-owner': 'clusternet-other' });
    bed.want({}, 'theirs');
    bed.want({}, 'stays');
    bed.start({ retain: async ({ metadata }) => metadata.name === 'stays' });
    await eventually(() => bed.phase('stays') === 'deployed' && bed.phase('theirs') !== undefined);
    expect(bed.release('theirs').status?.notes).toMatch(/deployed by another HelmRelease already/);
    for (const name of ['stays', 'theirs']) bed.unwant(name);
    await eventually(() =>
      ['stays', 'theirs'].every((name) => !bed.release(name).metadata.finalizers?.includes(finalizers.default)),
    );
    expect(bed.calls.map(([verb, name]) => `${verb} ${name}`)).toEqual(['install stays']);
  });

  it('ends helm when it is closed, and writes nothing of what it was stopped at', async () => {
    let aborted = false;
    bed.onHelm = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        });
      });
    bed.want();
    const deployer = bed.start();
    await eventually(() => bed.calls.length === 1);
    await deployer.close();
    expect(aborted).toBe(true);
    await settle(50);
    expect(bed.release().status?.phase).not.toBe('failed');
  });

  it('takes a child that does not answer for what it is, and not for a failed release', async () => {
    bed.want();
    bed.start();
    await eventually(() => bed.phase() === 'deployed');
    bed.outage = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    bed.want({ version: '1.1.0' });
    await eventually(() =>
      bed.release().status?.conditions?.some(({ type, status }) => type === 'Reachable' && status === 'False'),
    );
    expect(bed.release().status?.phase).toBe('deployed');
    expect(verbs()).toEqual(['install']);
  });

  it('looks at no HelmRelease of another cluster', async () => {
    bed.start();
    bed.want();
    const other = { ...bed.release(), metadata: { ...bed.release().metadata, namespace: 'clusternet-other' } };
    bed.releases.set(objectKey(other), other);
    await eventually(() => bed.phase() === 'deployed');
    expect(bed.calls).toHaveLength(1);
  });
});
