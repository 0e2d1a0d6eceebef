// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, fieldManagers, type Feed, type KubeObject, labels } from '@clusternet/api-types';
import { isConflict, isNotFound, NoKindError, type ResourceClient } from '@clusternet/client';
import { sleep } from '@clusternet/runtime';
import { type ChildApi, placedAt, type Target, targetOf } from './childApi.ts';
import { type DesiredObject } from './decode.ts';
import { containsDesired } from './drift.ts';
import { type KindResolver } from './kindResolver.ts';
import { nameOf, type ObjectFailure } from './objectError.ts';
import { isAdopted, type Owner, ownerOf, ownerText } from './ownership.ts';
import { toApply } from './prepare.ts';
import { isNamespace } from './waves.ts';

/** What is known of an object that was applied before. */
export interface Applied {
  hash: string;
  uid: string | undefined;
  adopted: boolean;
  target: Target;
}

/** Outcome of {@link ObjectApplier.apply}. */
export type ApplyResult = ({ live: KubeObject; wrote: boolean; created: boolean } & Applied) | { failure: ObjectFailure };

/** Outcome of {@link ObjectApplier.remove}: `leaving` objects are being deleted but still there. */
export type RemoveResult = 'gone' | 'leaving';

/** How one object is applied. */
export interface ApplyOptions {
  owner: Owner;
  /** What an earlier apply left; undefined when nothing is known, which costs a GET. */
  known?: Applied;
  /** Look at the live object even when the hash says that there is nothing to do. */
  verify?: boolean;
  /** The object cannot exist: its namespace was made a moment ago. Saves the GET. */
  fresh?: boolean;
  /** Whether an object with this other owner may be taken over. */
  mayTakeOver: (owner: string) => boolean;
  signal: AbortSignal;
}

/** How one object is removed. */
export interface RemoveOptions {
  owner: Owner;
  heir?: Owner;
  isWanted: (live: KubeObject) => boolean;
  signal: AbortSignal;
}

/** Waits between tries while a kind that was just defined is not served yet, in milliseconds. */
const servingDelays = [20, 40, 80, 160, 320, 640, 1_000, 1_000];

/** Applies and deletes single objects in the child. Errors of requests are thrown as they come. */
export class ObjectApplier {
  readonly #child: ChildApi;
  readonly #kinds: KindResolver;

  constructor(child: ChildApi, kinds: KindResolver) {
    this.#child = child;
    this.#kinds = kinds;
  }

  /** Makes the live object hold what `want` asks for, with at most one write, unless it belongs to somebody else. */
  async apply(want: DesiredObject, o: ApplyOptions): Promise<ApplyResult> {
    const target = targetOf(await this.#kinds.resourceFor(want.object), want.object.metadata);
    const { known } = o;
    if (known?.uid !== undefined && !o.verify) {
      try {
        return await this.#write(want, target, { ...o, adopted: known.adopted, uid: known.uid, created: false });
      } catch (error) {
        // The object was deleted or made anew meanwhile, or changed at the same moment: look at what is there.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const live = o.fresh ? undefined : await this.#client(target).find(target.ref, { signal: o.signal });
    if (live === undefined) return this.#write(want, target, { ...o, adopted: false, uid: undefined, created: true });
    return this.#update(want, { target, live }, o);
  }

  /**
   * Deletes the object behind `feed` if `owner` deployed it, or lets go of it if it was there before. An object that
   * `heir` wants changes hands instead, and one that is still wanted under another feed key (see `isWanted`) stays.
   */
  async remove(feed: Feed, { owner, heir, isWanted, signal }: RemoveOptions): Promise<RemoveResult> {
    let target: Target;
    let live: KubeObject | undefined;
    try {
      target = targetOf(await this.#kinds.resourceFor(feed), feed);
      live = await this.#client(target).find(target.ref, { signal });
    } catch (error) {
      // Without its kind no object is left.
      if (error instanceof NoKindError || isNotFound(error)) return 'gone';
      throw error;
    }
    if (live === undefined || ownerOf(live) !== ownerText(owner)) return 'gone';
    if (isWanted(live)) return 'gone';
    if (heir !== undefined) return this.#annotate(live, target, { changes: handedTo(heir), signal });
    if (isAdopted(live)) return this.#annotate(live, target, { changes: released, signal });
    if (live.metadata.deletionTimestamp !== undefined) return 'leaving';
    return this.#delete(live, target, signal);
  }

  /** Waits (up to about three seconds) until the API server serves the kinds of a CustomResourceDefinition. */
  async waitEstablished(crd: KubeObject, target: Target, signal: AbortSignal): Promise<void> {
    let live: KubeObject | undefined = crd;
    for (const delay of servingDelays) {
      if (live === undefined || isEstablished(live)) return;
      await sleep(delay, signal);
      live = await this.#client(target).find(target.ref, { signal });
    }
  }

  async #update(
    want: DesiredObject,
    { target, live }: { target: Target; live: KubeObject },
    o: ApplyOptions,
  ): Promise<ApplyResult> {
    const name = nameOf(want.feed);
    const ours = ownerText(o.owner);
    const current = ownerOf(live);
    if (current !== undefined && current !== ours && !o.mayTakeOver(current)) {
      return {
        failure: {
          reason: 'OwnedByOther',
          message: `${name}: belongs to Description ${current}; remove the feed there or here, or, if that Description is gone, the annotation ${annotations.ownedByDescription} from the object`,
        },
      };
    }
    if (live.metadata.deletionTimestamp !== undefined) return { failure: leavingFailure(live, name) };
    const sameObject = o.known?.uid !== undefined && o.known.uid === live.metadata.uid;
    const adopted = sameObject ? o.known?.adopted === true : current === undefined || isAdopted(live);
    const applied = current === ours && live.metadata.annotations?.[annotations.appliedHash] === want.hash;
    const wanted = toApply(placedAt(want.object, target), { owner: o.owner, hash: want.hash, adopted });
    if (applied && (!o.verify || containsDesired(live, wanted))) {
      return { live, wrote: false, created: false, hash: want.hash, uid: live.metadata.uid, adopted, target };
    }
    return this.#write(want, target, { ...o, adopted, uid: live.metadata.uid, created: false });
  }

  async #write(
    want: DesiredObject,
    target: Target,
    o: ApplyOptions & { adopted: boolean; uid: string | undefined; created: boolean },
  ): Promise<ApplyResult> {
    const body = toApply(placedAt(want.object, target), { owner: o.owner, hash: want.hash, adopted: o.adopted, uid: o.uid });
    const live = await this.#send(body, target, o.signal);
    // It took the write and goes all the same.
    if (live.metadata.deletionTimestamp !== undefined) return { failure: leavingFailure(live, nameOf(want.feed)) };
    if (o.fresh && !o.adopted && hasOtherManagers(live)) {
      // Something in the child fills new namespaces (the default ServiceAccount, a CA bundle): it was there before us.
      return this.#write(want, target, { ...o, fresh: false, adopted: true, uid: live.metadata.uid, created: false });
    }
    return { live, wrote: true, created: o.created, hash: want.hash, uid: live.metadata.uid, adopted: o.adopted, target };
  }

  async #send(body: KubeObject, target: Target, signal: AbortSignal): Promise<KubeObject> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#client(target).apply(body, { fieldManager: fieldManagers.applied, force: true, signal });
      } catch (error) {
        const delay = servingDelays[attempt];
        // A definition can be established a moment before its kind is served.
        if (delay === undefined || !isNotFound(error) || isMissingNamespace(error) || !this.#kinds.isFresh(body)) throw error;
        await sleep(delay, signal);
      }
    }
  }

  async #annotate(live: KubeObject, target: Target, o: { changes: object; signal: AbortSignal }): Promise<RemoveResult> {
    const metadata = { ...o.changes, resourceVersion: live.metadata.resourceVersion };
    try {
      await this.#client(target).patch(
        target.ref,
        { metadata },
        { type: 'merge', fieldManager: fieldManagers.applied, signal: o.signal },
      );
    } catch (error) {
      if (isConflict(error)) return 'leaving';
      if (!isNotFound(error)) throw error;
    }
    return 'gone';
  }

  async #delete(live: KubeObject, target: Target, signal: AbortSignal): Promise<RemoveResult> {
    const { uid, finalizers } = live.metadata;
    try {
      await this.#client(target).delete(target.ref, { propagationPolicy: 'Background', preconditions: { uid }, signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      return 'leaving';
    }
    return (finalizers ?? []).length === 0 && !lingering.has(live.kind) ? 'gone' : 'leaving';
  }

  #client(target: Target): ResourceClient<KubeObject> {
    return this.#child.resource<KubeObject>(target.definition);
  }
}

function leavingFailure(live: KubeObject, name: string): ObjectFailure {
  const reason = isNamespace(live) ? 'NamespaceTerminating' : 'Terminating';
  return { reason, message: `${name}: is being deleted; it will be created again when it is gone` };
}

const released = {
  labels: { [labels.createdBy]: null },
  annotations: { [annotations.ownedByDescription]: null, [annotations.appliedHash]: null, [annotations.adopted]: null },
};

function handedTo(heir: Owner): object {
  // Without a hash the heir applies its own rendering.
  return { annotations: { [annotations.ownedByDescription]: ownerText(heir), [annotations.appliedHash]: null } };
}

/** Kinds that are still there for a while after a delete, although they need not have finalizers. */
const lingering = new Set(['Namespace', 'Pod', 'CustomResourceDefinition']);

function hasOtherManagers(live: KubeObject): boolean {
  const managers = (live.metadata.managedFields ?? []) as { manager?: string }[];
  return managers.some(({ manager }) => manager !== fieldManagers.applied);
}

function isEstablished(crd: KubeObject): boolean {
  const status = crd['status'] as { conditions?: { type?: string; status?: string }[] } | undefined;
  return (status?.conditions ?? []).some(({ type, status: value }) => type === 'Established' && value === 'True');
}

function isMissingNamespace(error: Error): boolean {
  return /namespaces? "[^"]*" not found/.test(error.message);
}
