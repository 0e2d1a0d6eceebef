// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type Description,
  fieldManagers,
  type HelmRelease,
  resources,
  stableStringify,
} from '@clusternet/api-types';
import { isAlreadyExists, isNotFound, objectKey } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { dropFinalizer } from '../kube/finalizer.ts';
import { forEachLimited } from '../kube/forEachLimited.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { includesPairs, isDeleting } from '../kube/objects.ts';
import { indexes } from '../stores.ts';
import { helmStatusOf, ownPartOf } from './helmStatus.ts';
import { MalformedDescriptionError, releasesOf, type WantedRelease } from './releasesOf.ts';

const parallelWrites = 8;
/** A teardown is looked at again, should an event have been missed, after this time in milliseconds. */
const teardownCheckMs = 5_000;

/**
 * Keeps the HelmReleases of every Helm Description, whoever deploys them, and brings their states together in its status. A Description goes
 * when all its HelmReleases have gone.
 */
export class ReleaseController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: ControllerQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = new ControllerQueue(context, {
      name: 'helm-releases',
      workers: 8,
      quietMs: 20,
      maxQuietMs: 500,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { descriptions, helmReleases } = this.#context.stores;
    this.#queue.start(
      descriptions.onChange((change) => {
        if (change.object.spec?.deployer === 'Helm' && matters(change)) this.#queue.add(change.key);
      }),
      helmReleases.onChange(({ object }) => {
        const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === resources.descriptions.kind);
        if (owner) this.#queue.add(objectKey({ namespace: object.metadata.namespace, name: owner.name }));
      }),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Brings the HelmReleases of one Description in line with it, and its status in line with them. */
  async reconcile(key: string): Promise<{ requeueAfterMs: number } | void> {
    const { stores } = this.#context;
    const description = stores.descriptions.get(key);
    if (description?.spec?.deployer !== 'Helm') return;
    const present = stores.helmReleases.byIndex(indexes.owner, description.metadata.uid ?? '');
    if (isDeleting(description)) return this.#tearDown(description, present);
    let wanted: WantedRelease[] = [];
    let malformed: string | undefined;
    try {
      wanted = releasesOf(description);
    } catch (error) {
      if (!(error instanceof MalformedDescriptionError)) throw error;
      malformed = error.message;
    }
    const names = new Set(wanted.map(({ release }) => release.metadata.name));
    // What cannot be read is no reason to take anything away.
    const surplus = malformed === undefined ? present.filter(({ metadata }) => !names.has(metadata.name)) : [];
    await this.#delete(surplus);
    let again = false;
    await forEachLimited(wanted, parallelWrites, async ({ release }) => {
      again = !(await this.#ensure(release)) || again;
    });
    await this.#report(description, { wanted, surplus, malformed });
    if (again) return { requeueAfterMs: teardownCheckMs };
  }

  /** Makes one HelmRelease, or changes what differs; false when the name is still taken by one that is on its way out. */
  async #ensure(wanted: HelmRelease): Promise<boolean> {
    const client = this.#context.api.resource<HelmRelease>(resources.helmReleases);
    const ref = { name: wanted.metadata.name, namespace: wanted.metadata.namespace };
    let present = this.#context.stores.helmReleases.get(objectKey(wanted));
    if (!present) {
      try {
        await client.create(wanted, { fieldManager: fieldManagers.hub });
        return true;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      present = await client.find(ref);
      if (!present) return false;
    }
    if (isDeleting(present)) return false;
    const patch = patchOf(present, wanted);
    if (patch !== undefined) await client.patch(ref, patch, { type: 'merge', fieldManager: fieldManagers.hub });
    return true;
  }

  async #tearDown(description: Description, present: readonly HelmRelease[]): Promise<{ requeueAfterMs: number } | void> {
    let left = present;
    if (left.length === 0) {
      // The cache may not show yet what the last pass made.
      const { items } = await this.#context.api
        .resource<HelmRelease>(resources.helmReleases)
        .list({ namespace: description.metadata.namespace });
      left = items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === description.metadata.uid));
    }
    if (left.length === 0) return dropFinalizer(this.#context.api, resources.descriptions, description);
    await this.#delete(left);
    await this.#report(description, { wanted: [], surplus: left });
    return { requeueAfterMs: teardownCheckMs };
  }

  async #delete(releases: readonly HelmRelease[]): Promise<void> {
    const client = this.#context.api.resource<HelmRelease>(resources.helmReleases);
    const live = releases.filter((release) => !isDeleting(release));
    await forEachLimited(live, parallelWrites, ({ metadata: { name, namespace, uid } }) =>
      client.delete({ name, namespace }, { propagationPolicy: 'Background', preconditions: { uid } }),
    );
  }

  async #report(
    description: Description,
    o: { wanted: readonly WantedRelease[]; surplus: readonly HelmRelease[]; malformed?: string },
  ): Promise<void> {
    const { api, stores, now, recorder } = this.#context;
    const charts = o.wanted.map(({ chart, release }) => {
      const live = stores.helmReleases.get(objectKey(release));
      const own = live && !isDeleting(live) ? live : undefined;
      return { chart, release: own, current: own !== undefined && patchOf(own, release) === undefined };
    });
    const status = helmStatusOf({ description, charts, leaving: o.surplus, malformed: o.malformed, now: now() });
    const { status: previous } = description;
    if (previous !== undefined && ownPartOf(previous) === ownPartOf(status)) return;
    const { name, namespace, uid } = description.metadata;
    try {
      await api.resource<Description>(resources.descriptions).apply(
        {
          apiVersion: apiVersionOf(resources.descriptions),
          kind: resources.descriptions.kind,
          metadata: { name, namespace, uid },
          status,
        } as Description,
        { fieldManager: `${fieldManagers.hub}-helm`, force: true, subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return;
    }
    if (status.phase === 'Failure' && status.reason !== previous?.reason) {
      recorder.event(description, {
        type: 'Warning',
        reason: 'HelmReleaseFailure',
        message: (status.reason ?? '').slice(0, 900),
      });
    }
  }
}

/** The merge patch that turns `present` into `wanted`; undefined when there is nothing to do. */
function patchOf(present: HelmRelease, wanted: HelmRelease): object | undefined {
  const owner = wanted.metadata.ownerReferences?.[0]?.uid;
  const owned = present.metadata.ownerReferences?.some(({ uid }) => uid === owner) === true;
  const metadata = {
    ...(includesPairs(present.metadata.labels, wanted.metadata.labels ?? {}) ? {} : { labels: wanted.metadata.labels }),
    ...annotationsPatch(present, wanted),
    ...(owned ? {} : { ownerReferences: wanted.metadata.ownerReferences }),
  };
  // Defaults that the API server has filled in are no difference.
  const before = { createNamespace: true, timeoutSeconds: 300, ...present.spec };
  const after = { createNamespace: true, timeoutSeconds: 300, ...wanted.spec };
  const sameSpec = stableStringify(before) === stableStringify(after);
  if (sameSpec && Object.keys(metadata).length === 0) return undefined;
  const removed = Object.keys(present.spec).filter((field) => !(field in after));
  return {
    metadata: { ...metadata, resourceVersion: present.metadata.resourceVersion },
    ...(sameSpec ? {} : { spec: { ...after, ...Object.fromEntries(removed.map((field) => [field, null])) } }),
  };
}

function annotationsPatch(present: HelmRelease, wanted: HelmRelease): { annotations?: Record<string, string | null> } {
  const after = wanted.metadata.annotations ?? {};
  const stale = present.metadata.annotations?.[annotations.chartDigest] !== undefined && !(annotations.chartDigest in after);
  if (!stale && includesPairs(present.metadata.annotations, after)) return {};
  return { annotations: { ...after, ...(stale ? { [annotations.chartDigest]: null } : {}) } };
}

/** False for the status that is written here. */
function matters({ type, object, previous }: Change<Description>): boolean {
  if (type !== 'modified' || !previous) return true;
  return (
    object.metadata.generation !== previous.metadata.generation ||
    object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    stableStringify(object.metadata.labels ?? {}) !== stableStringify(previous.metadata.labels ?? {})
  );
}
