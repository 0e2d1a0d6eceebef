// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type ObjectRef } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { resourceKey, type Target, targetKey, targetOf } from './childApi.ts';
import { type Group, type TrackedObject } from './group.ts';
import { contentOf, isNotNewer } from './liveObject.ts';
import { type Owner, ownerOf, ownerText, parseOwner } from './ownership.ts';

/** What a change in the child means for a group of Descriptions. */
export interface Affected {
  group: Group;
  /** Something has to be done; otherwise only the status changed. */
  work: boolean;
}

/** All groups of one dedicated namespace, found by what they have in the child. */
export class Groups {
  readonly #byName = new Map<string, Group>();
  readonly #byTarget = new Map<string, { group: Group; object: TrackedObject }>();

  get(name: string): Group | undefined {
    return this.#byName.get(name);
  }

  add(group: Group): void {
    this.#byName.set(group.owner.name, group);
  }

  /** Drops a group with all it tracks. */
  remove(group: Group): void {
    for (const object of group.objects.values()) this.release(group, object);
    this.#byName.delete(group.owner.name);
  }

  all(): Group[] {
    return [...this.#byName.values()];
  }

  /** Takes note of where an object is, so that changes there find it. */
  track(group: Group, object: TrackedObject, target: Target): void {
    this.#byTarget.set(targetKey(target), { group, object });
  }

  /** The object is no longer wanted. */
  release(group: Group, object: TrackedObject): void {
    if (object.applied === undefined) return;
    const key = targetKey(object.applied.target);
    if (this.#byTarget.get(key)?.group === group) this.#byTarget.delete(key);
  }

  /** Another group that wants the object with this feed key. */
  wantedElsewhere(key: string, except: Group): Group | undefined {
    return this.all().find((group) => group !== except && group.objects.has(key));
  }

  /**
   * Whether an object with the owner annotation `text` is free to be taken: its owner is known here and does not want it
   * any longer. An owner that is not known may be another parent's.
   */
  isGivenUp(text: string, key: string, namespace: string): boolean {
    const owner = parseOwner(text);
    const group = owner?.namespace === namespace ? this.get(owner.name) : undefined;
    return group !== undefined && !group.working && !group.objects.has(key);
  }

  /** Resources that objects were applied to. */
  resources(): ResourceDefinition[] {
    const found = new Map<string, ResourceDefinition>();
    for (const { object } of this.#byTarget.values()) {
      const definition = object.applied?.target.definition;
      if (definition) found.set(resourceKey(definition), definition);
    }
    return [...found.values()];
  }

  /**
   * Has the objects of one resource looked at that were applied but were gone when their watch began: nothing else would tell.
   *
   * @returns their groups
   */
  missed(definition: ResourceDefinition, isThere: (ref: ObjectRef) => boolean): Set<Group> {
    const affected = new Set<Group>();
    for (const { group, object } of this.#byTarget.values()) {
      const target = object.applied?.target;
      if (!target || resourceKey(target.definition) !== resourceKey(definition) || isThere(target.ref)) continue;
      object.verify = true;
      affected.add(group);
    }
    return affected;
  }

  /** Takes over what a watch of the child tells. With `recovery` an object that somebody changed or deleted is to be looked at. */
  observe(definition: ResourceDefinition, change: Change<KubeObject>, recovery: boolean): Affected | undefined {
    const live = change.object;
    const found = this.#byTarget.get(targetKey(targetOf(definition, live.metadata)));
    if (!found) return undefined;
    const { group, object } = found;
    if (change.type === 'deleted') {
      if (object.applied?.uid !== live.metadata.uid) return undefined;
      object.status = undefined;
      object.version = undefined;
      object.content = undefined;
      if (recovery) object.verify = true;
      return { group, work: recovery };
    }
    // A child restored from a backup counts from an older version again: its watch goes back, and so do we.
    const wentBack = change.previous !== undefined && !isNotNewer(change.previous, live.metadata.resourceVersion);
    if (!wentBack && isNotNewer(live, object.version)) return undefined;
    const changed = recovery && (contentOf(live) !== object.content || live.metadata.uid !== object.applied?.uid);
    const lost = isForeign(live, group.owner);
    if (changed || lost) object.verify = true;
    object.status = live['status'];
    object.version = live.metadata.resourceVersion;
    if (recovery) object.content = contentOf(live);
    return { group, work: changed || lost };
  }
}

function isForeign(live: KubeObject, owner: Owner): boolean {
  const text = ownerOf(live);
  return text !== undefined && text !== ownerText(owner);
}
