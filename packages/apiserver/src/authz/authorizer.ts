// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Clock } from '@clusternet/runtime';
import { type Identity } from '../authn/authenticator.ts';
import { type RequestInfo } from '../request/requestInfo.ts';
import { StatusError } from '../request/statusError.ts';
import { PromiseCache } from '../util/promiseCache.ts';

/** Options of {@link Authorizer}. */
export interface AuthorizerOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Milliseconds that a yes and a no are good for. */
  authorizedTtlMs: number;
  unauthorizedTtlMs: number;
  /** Paths open to everybody; a `*` at the end opens all below. */
  alwaysAllowPaths: readonly string[];
  clock?: Clock;
}

interface Decision {
  allowed: boolean;
  reason: string;
}

const superusers = 'system:masters';
const maxDecisions = 8_192;
const reviewTimeoutMs = 10_000;
/** What stands for a credential among the extras of a review. */
const masked = '***';

/**
 * Asks the API server whether a user may do what a request asks for.
 *
 * @remarks
 * Extras that are credentials for a child go into the review with their key alone: SubjectAccessReviews reach audit logs and authorization
 * webhooks, and anybody who reads those could use the credential. The key stays, so that a webhook can still see that one was brought.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #cache: PromiseCache<Decision>;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    const { authorizedTtlMs, unauthorizedTtlMs, clock } = options;
    this.#cache = new PromiseCache({
      max: maxDecisions,
      ttlMs: ({ allowed }) => (allowed ? authorizedTtlMs : unauthorizedTtlMs),
      clock,
    });
  }

  /** Whether a path needs no identity at all. */
  isOpen(info: RequestInfo): boolean {
    if (info.isResource) return false;
    return this.#options.alwaysAllowPaths.some((path) =>
      path.endsWith('*') ? info.path.startsWith(path.slice(0, -1)) : info.path === path,
    );
  }

  /**
   * @remarks
   * kube-apiserver has decided about the exact object before it passed a request on. Who comes through it and may do the same to all objects
   * is not asked about again for each: one review for each name would be most of the cost of a small request.
   * @throws StatusError 403 when it is not allowed, 503 when the API server could not be asked
   */
  async authorize(identity: Identity, info: RequestInfo): Promise<void> {
    const { user, viaFrontProxy = false } = identity;
    if (this.isOpen(info) || user.groups.includes(superusers)) return;
    const named = info.isResource && info.subresource === '' && (info.name ?? info.selectedName) !== undefined;
    if (viaFrontProxy && named) {
      const all = await this.#decide(reviewSpec(identity, { ...info, name: undefined, selectedName: undefined }));
      if (all.allowed) return;
    }
    const decision = await this.#decide(reviewSpec(identity, info));
    if (!decision.allowed) throw forbidden(user.name, info, decision.reason);
  }

  async #decide(spec: object): Promise<Decision> {
    try {
      return await this.#cache.get(JSON.stringify(spec), () => this.#review(spec));
    } catch (cause) {
      throw new StatusError(503, 'the API server cannot be asked whether this is allowed; try again', {
        retryAfterSeconds: 1,
        cause,
      });
    }
  }

  async #review(spec: object): Promise<Decision> {
    const { status } = await this.#options.client.resource<SubjectAccessReview>(core.subjectAccessReviews).create(
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {} as SubjectAccessReview['metadata'],
        spec,
      },
      { timeoutMs: reviewTimeoutMs },
    );
    return { allowed: status?.allowed === true && status.denied !== true, reason: status?.reason ?? '' };
  }
}

function reviewSpec({ user, secretExtras }: Identity, info: RequestInfo): object {
  const { name, uid, groups } = user;
  const hidden = Object.fromEntries(Object.keys(secretExtras).map((key) => [key, [masked]]));
  const subject = { user: name, ...(uid !== undefined && { uid }), groups, extra: { ...user.extra, ...hidden } };
  if (!info.isResource) return { ...subject, nonResourceAttributes: { path: info.path, verb: info.verb } };
  const { verb, group, version, resource, subresource, namespace } = info;
  const object = info.name ?? info.selectedName;
  return {
    ...subject,
    resourceAttributes: {
      verb,
      group,
      version,
      resource,
      ...(subresource !== '' && { subresource }),
      ...(namespace !== undefined && { namespace }),
      ...(object !== undefined && { name: object }),
    },
  };
}

function forbidden(user: string, info: RequestInfo, why: string): StatusError {
  const because = why === '' ? '' : `: ${why}`;
  const { verb, group, resource, namespace, name } = info;
  if (!info.isResource) {
    return new StatusError(403, `forbidden: User "${user}" cannot ${verb} path "${info.path}"${because}`, { details: {} });
  }
  const full = info.subresource === '' ? resource : `${resource}/${info.subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = group === '' ? resource : `${resource}.${group}`;
  return new StatusError(
    403,
    `${what}${name === undefined ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "${full}" ` +
      `in API group "${group}" ${where}${because}`,
    { details: { ...(name !== undefined && { name }), group, kind: resource } },
  );
}

interface SubjectAccessReview extends KubeObject {
  spec: object;
  status?: { allowed?: boolean; denied?: boolean; reason?: string };
}
