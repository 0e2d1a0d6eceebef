// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { StatusError, type User } from '@clusternet/apiserver';
import { core, type KubeClient } from '@clusternet/client';

/** What somebody wants to do. */
export interface Access {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
  name?: string;
}

interface Review extends KubeObject {
  status?: { allowed?: boolean; reason?: string };
}

const ttlMs = 10_000;
const maxKept = 10_000;

/** Asks the parent what a user may do there; answers are kept for a short time. */
export class ParentAccess {
  readonly #client: Pick<KubeClient, 'resource'>;
  readonly #known = new Map<string, { allowed: boolean; until: number }>();

  constructor(client: Pick<KubeClient, 'resource'>) {
    this.#client = client;
  }

  async may(user: User, access: Access): Promise<boolean> {
    const key = JSON.stringify([user.name, user.uid, user.groups, user.extra, access]);
    const now = performance.now();
    const known = this.#known.get(key);
    if (known && known.until > now) return known.allowed;
    const { name: user_, uid, groups, extra } = user;
    const review = await this.#client.resource<Review & { spec: object }>(core.subjectAccessReviews).create({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: { user: user_, uid, groups, extra, resourceAttributes: { ...access, version: '*' } },
    });
    const allowed = review.status?.allowed === true;
    if (this.#known.size >= maxKept) this.#known.clear();
    this.#known.set(key, { allowed, until: now + ttlMs });
    return allowed;
  }

  /** @throws StatusError 403 with the words of kube-apiserver */
  async require(user: User, access: Access): Promise<void> {
    if (await this.may(user, access)) return;
    const { verb, group, resource, namespace, name } = access;
    const qualified = group === '' ? resource : `${resource}.${group}`;
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
    const which = name === undefined ? qualified : `${qualified} ${JSON.stringify(name)}`;
    throw new StatusError(
      403,
      `${which} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`,
      { details: { ...(name !== undefined && { name }), ...(group !== '' && { group }), kind: resource } },
    );
  }
}
