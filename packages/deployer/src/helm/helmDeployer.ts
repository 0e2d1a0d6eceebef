// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  fieldManagers,
  finalizers,
  type HelmRelease,
  type HelmReleaseStatus,
  type ReleasePhase,
  resources,
} from '@clusternet/api-types';
import { isNotFound, type KubeClient, objectKey } from '@clusternet/client';
import {
  backoffDelay,
  type Change,
  type EventRecorder,
  type Informer,
  type Logger,
  type Metrics,
  type ReconcileContext,
  WorkQueue,
} from '@clusternet/runtime';
import { Reachability } from '../reachability.ts';
import { releaseHash } from './release/inputs.ts';
import { statusAfter, statusDuring, statusInOutage, statusPatch } from './release/releaseStatus.ts';
import { type ReleaseOutcome, ReleaseWorker } from './release/releaseWorker.ts';
import { type HelmPool } from './run/helmPool.ts';
import { type HelmAccess } from './run/helmSession.ts';
import { type ChartCache } from './source/chartCache.ts';
import { type ChartCredentials } from './source/chartRef.ts';

/** What all deployers of a service share. */
export interface HelmEngine {
  pool: Pick<HelmPool, 'inTurn' | 'run'>;
  charts: Pick<ChartCache, 'get'>;
}

/** Options of {@link HelmDeployer}. */
export interface HelmDeployerOptions {
  engine: HelmEngine;
  /** Client of the cluster to deploy into, with the identity of its deployer. */
  child: KubeClient;
  /** The same for helm. */
  access: HelmAccess;
  /** Client of the cluster that holds the HelmReleases. */
  parent: Pick<KubeClient, 'resource'>;
  /** Dedicated namespace of the child in the parent. */
  namespace: string;
  /** For logs. */
  clusterName: string;
  /** HelmReleases, of this namespace or of all; started and closed by the caller. */
  releases: Pick<Informer<HelmRelease>, 'get' | 'list' | 'onChange' | 'waitForSync'>;
  /** Credentials for the repository of a release. @throws ChartSourceError when they are wanted and cannot be had. */
  credentials: (release: HelmRelease, signal: AbortSignal) => Promise<ChartCredentials | undefined>;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  metrics?: Metrics;
  /** The leadership under which it acts. */
  signal?: AbortSignal;
  /** Whether the release stays in the child although its HelmRelease is deleted. */
  retain?: (release: HelmRelease) => Promise<boolean>;
  now?: () => Date;
  /** Between 0 and 1; for tests. */
  random?: () => number;
}

/** Releases worked on at a time in one cluster; the pool bounds them over all clusters. */
const workers = 4;
/** A release is looked at again after this time, in milliseconds: somebody in the child may have changed it. */
const recheckMs = 600_000;
/** Work that is done sooner is not announced, in milliseconds. */
const announceMs = 1_000;
const waitingMs = 10_000;
const retry = { initialMs: 5_000, maxMs: 300_000, jitter: 0.4 };

/**
 * Keeps the Helm releases of one child as the HelmReleases in its dedicated namespace want them.
 *
 * @remarks What is installed, and from which inputs, is read off Helm's own records in the child each time; memory only spaces retries.
 */
export class HelmDeployer {
  readonly #o: HelmDeployerOptions;
  readonly #logger: Logger;
  readonly #worker: ReleaseWorker;
  readonly #reachability: Reachability;
  readonly #work: WorkQueue;
  readonly #stop = new AbortController();
  readonly #failures = new Map<string, { generation: number | undefined; count: number }>();
  readonly #written = new Map<string, { uid: string | undefined; status: HelmReleaseStatus }>();
  readonly #announcing = new Map<string, { timer: NodeJS.Timeout; done: Promise<void> | undefined }>();
  readonly #now: () => Date;
  #unsubscribe: (() => void) | undefined;

  constructor(options: HelmDeployerOptions) {
    const { child, access, engine, namespace, credentials, metrics, signal } = options;
    this.#o = options;
    this.#now = options.now ?? (() => new Date());
    this.#logger = options.logger.child({ cluster: options.clusterName, namespace });
    this.#worker = new ReleaseWorker({
      child,
      access,
      ...engine,
      credentials,
      namespace,
      isOther: (hash) => this.#mine().some(({ metadata }) => releaseHash(metadata.name) === hash),
      onBegin: (release, phase) => this.#announce(release, phase),
      now: this.#now,
    });
    this.#reachability = new Reachability({
      probe: (stop) => child.request({ method: 'GET', path: '/version', signal: stop, timeoutMs: 5_000 }),
      onChange: () => {
        for (const release of this.#mine()) this.#work.add(objectKey(release));
      },
      logger: this.#logger,
      now: () => this.#now().getTime(),
      random: options.random,
    });
    this.#work = new WorkQueue({
      name: 'helm',
      workers,
      logger: this.#logger,
      metrics,
      signal,
      reconcile: (key, context) => this.#reconcile(key, context),
    });
  }

  /** Begins to work, once the informer of HelmReleases is in sync. */
  start(): void {
    if (this.#unsubscribe || this.#stop.signal.aborted) return;
    this.#unsubscribe = this.#o.releases.onChange((change) => this.#changed(change));
    this.#o.releases.waitForSync(this.#stop.signal).then(
      () => this.#work.start(),
      () => undefined,
    );
  }

  /** Stops; what is in the child stays, and helm is ended where it is at work. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the deployer is closing'));
    this.#unsubscribe?.();
    await Promise.all([this.#work.close(), this.#reachability.close()]);
    await Promise.all([...this.#announcing.keys()].map((key) => this.#announced(key)));
  }

  #mine(): HelmRelease[] {
    return this.#o.releases.list().filter(({ metadata }) => metadata.namespace === this.#o.namespace);
  }

  #changed({ type, key, object, previous }: Change<HelmRelease>): void {
    if (object.metadata.namespace !== this.#o.namespace) return;
    if (type === 'deleted') {
      this.#failures.delete(key);
      this.#written.delete(key);
      return;
    }
    const same =
      type === 'modified' &&
      previous?.metadata.uid === object.metadata.uid &&
      previous?.metadata.generation === object.metadata.generation &&
      previous?.metadata.deletionTimestamp === object.metadata.deletionTimestamp &&
      previous?.metadata.annotations?.[annotations.chartDigest] === object.metadata.annotations?.[annotations.chartDigest];
    if (!same) this.#work.add(key);
  }

  async #reconcile(key: string, { signal }: ReconcileContext): Promise<{ requeueAfterMs?: number } | void> {
    const release = this.#o.releases.get(key);
    if (!release) return;
    const deleting = release.metadata.deletionTimestamp !== undefined;
    if (deleting && !(release.metadata.finalizers ?? []).includes(finalizers.default)) return;
    if (deleting && (await this.#o.retain?.(release))) return this.#finish(release, signal);
    if (this.#reachability.blocked) return this.#tellOutage(release, signal);
    let outcome: ReleaseOutcome;
    try {
      outcome = deleting ? await this.#worker.remove(release, signal) : await this.#worker.bring(release, signal);
    } catch (error) {
      if (signal.aborted || (await this.#reachability.confirm())) throw error;
      return this.#tellOutage(release, signal);
    } finally {
      await this.#announced(key);
    }
    if (deleting && outcome.problem === undefined) return this.#finish(release, signal);
    const previous = this.#statusOf(release);
    await this.#write(release, statusAfter({ ...release, status: previous }, outcome, this.#now()), signal);
    this.#tell(release, outcome, previous);
    return { requeueAfterMs: this.#nextLook(key, release, outcome) };
  }

  #nextLook(key: string, { metadata }: HelmRelease, { problem }: ReleaseOutcome): number {
    const random = this.#o.random ?? Math.random;
    if (problem === undefined) {
      this.#failures.delete(key);
      return recheckMs * (0.8 + 0.4 * random());
    }
    if (problem.reason === 'Waiting') return waitingMs;
    const last = this.#failures.get(key);
    const count = last !== undefined && last.generation === metadata.generation ? last.count + 1 : 1;
    this.#failures.set(key, { generation: metadata.generation, count });
    return backoffDelay(count - 1, retry, random);
  }

  #tell(release: HelmRelease, { problem, worked, record }: ReleaseOutcome, previous: HelmReleaseStatus | undefined): void {
    if (problem !== undefined) {
      if (previous?.notes === problem.message) return;
      const reason = problem.reason === 'ChartLocateFailure' ? 'ChartLocateFailure' : 'FailedSynced';
      this.#o.recorder.event(release, { type: 'Warning', reason, message: problem.message.slice(0, 900) });
      return;
    }
    if (!worked) return;
    const message = `revision ${record?.revision ?? '?'} of the release is deployed`;
    this.#o.recorder.event(release, { type: 'Normal', reason: 'Synced', message });
  }

  async #tellOutage(release: HelmRelease, signal: AbortSignal): Promise<void> {
    const { outage } = this.#reachability;
    if (outage)
      await this.#write(release, statusInOutage({ ...release, status: this.#statusOf(release) }, outage, this.#now()), signal);
  }

  /** Shows that helm works, unless it is done at once. */
  #announce(release: HelmRelease, phase: ReleasePhase): void {
    const key = objectKey(release);
    clearTimeout(this.#announcing.get(key)?.timer);
    const entry: { timer: NodeJS.Timeout; done: Promise<void> | undefined } = {
      timer: setTimeout(() => {
        const status = statusDuring({ ...release, status: this.#statusOf(release) }, phase);
        // It is said again at the end; that it could not be said now must not stop the work.
        entry.done = this.#write(release, status, this.#stop.signal).catch((error: unknown) => {
          this.#logger.debug('status cannot be written', { release: release.metadata.name, error });
        });
      }, announceMs),
      done: undefined,
    };
    this.#announcing.set(key, entry);
  }

  async #announced(key: string): Promise<void> {
    const entry = this.#announcing.get(key);
    if (!entry) return;
    this.#announcing.delete(key);
    clearTimeout(entry.timer);
    await entry.done;
  }

  /** The informer lags behind our own writes. */
  #statusOf({ metadata, status }: HelmRelease): HelmReleaseStatus | undefined {
    const written = this.#written.get(objectKey({ namespace: metadata.namespace, name: metadata.name }));
    return written?.uid === metadata.uid ? written?.status : status;
  }

  async #write(release: HelmRelease, status: HelmReleaseStatus, signal: AbortSignal): Promise<void> {
    const patch = statusPatch(this.#statusOf(release), status);
    if (patch === undefined) return;
    const { name, namespace, uid } = release.metadata;
    try {
      await this.#o.parent
        .resource<HelmRelease>(resources.helmReleases)
        .patch(
          { name, namespace },
          { metadata: { uid }, status: patch },
          { type: 'merge', subresource: 'status', fieldManager: fieldManagers.deployer, signal },
        );
      this.#written.set(objectKey(release), { uid, status });
    } catch (error) {
      // Deleted meanwhile: nobody is left to read it.
      if (!isNotFound(error)) throw error;
    }
  }

  /** Removes our finalizer. */
  async #finish(release: HelmRelease, signal: AbortSignal): Promise<void> {
    const client = this.#o.parent.resource<HelmRelease>(resources.helmReleases);
    const { name, namespace, uid } = release.metadata;
    const live = await client.find({ name, namespace }, { signal });
    const present = live?.metadata.finalizers ?? [];
    if (live?.metadata.uid !== uid || !present.includes(finalizers.default)) return;
    const rest = present.filter((finalizer) => finalizer !== finalizers.default);
    const { resourceVersion } = live?.metadata ?? {};
    try {
      const metadata = { uid, resourceVersion, finalizers: rest };
      await client.patch({ name, namespace }, { metadata }, { type: 'merge', fieldManager: fieldManagers.deployer, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
