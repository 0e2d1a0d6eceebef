// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { dnsLabel, type KubeObject } from '@clusternet/api-types';
import { checkExactIntegers, isObject, type JsonObject, parseDocument, StatusError, type User } from '@clusternet/apiserver';
import { type HttpAnswer, type KubeClient, type Query, resourcePath } from '@clusternet/client';
import { apiVersionOfKind, type ServedKind } from '../kinds/servedKind.ts';
import { type ParentAccess } from './access.ts';
import { checkGrant } from './grants.ts';
import { impersonationHeaders } from './impersonation.ts';
import { type ParentNamespaces } from './namespaces.ts';
import { placeholder } from './placeholder.ts';
import { podStandIn, serviceStandIn } from './standIns.ts';
import { statusOf } from './statusOf.ts';

/** Group of those who validate in the stand-in namespace; the chart lets it create there, and nothing gives it to anybody else. */
export const dryRunGroup = 'clusternet:system:shadow-dry-run';

/** What the parent is asked to make of an object. */
export interface DryRunRequest {
  kind: ServedKind;
  namespace: string;
  user: User;
  /** As it came; a text that is no object is shown to the parent all the same, for its opinion. */
  text: string;
  /** What the text says, where the caller has read it already; never changed. */
  document?: JsonObject;
  contentType: string;
  /** `fieldManager`, `fieldValidation`, `force`. */
  query: Query;
  /** Given for server-side apply. */
  applyTo?: string;
  signal: AbortSignal;
  userAgent: string | undefined;
}

/** What the parent would have stored. */
export interface DryRunAnswer {
  object: KubeObject;
  warnings: string[];
}

interface Attempt {
  namespace: string;
  group: string | undefined;
  document: JsonObject | undefined;
  text: string;
  name: string | undefined;
  restoreText: ((text: string) => string)[];
  restoreObject: ((object: KubeObject) => KubeObject)[];
}

const maxAttempts = 6;
const json = 'application/json';

/** Options of {@link DryRun}. */
export interface DryRunOptions {
  client: KubeClient;
  namespaces: Pick<ParentNamespaces, 'has'>;
  access: ParentAccess;
  /** Where objects are tried whose namespace the parent does not have. */
  reservedNamespace: string;
}

/**
 * Lets the parent decide what becomes of an object: defaults, validation, admission, all as if it were created there by the user himself, and
 * nothing is stored.
 */
export class DryRun {
  readonly #o: DryRunOptions;

  constructor(options: DryRunOptions) {
    this.#o = options;
  }

  /** @throws StatusError as the parent says it */
  async run(request: DryRunRequest): Promise<DryRunAnswer> {
    let attempt = this.#first(request);
    if (attempt.namespace !== '' && !this.#o.namespaces.has(attempt.namespace)) attempt = await this.#elsewhere(request, attempt);
    for (let count = 1; ; count++) {
      const answer = await this.#send(request, attempt);
      const existed = request.applyTo !== undefined && answer.status === 200;
      if (answer.status < 300 && !existed) return restored(request, attempt, answer);
      const error = this.#errorOf(request, attempt, answer);
      const next = count < maxAttempts ? await this.#next(request, attempt, existed ? taken() : error) : undefined;
      if (!next) throw error;
      attempt = next;
    }
  }

  #first({ text, namespace, applyTo, document = parseDocument(text) }: DryRunRequest): Attempt {
    const pod = document && podStandIn(document);
    const metadata = document?.['metadata'];
    const name = applyTo ?? (isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : undefined);
    const changed = pod && { document: pod.document, text: JSON.stringify(pod.document) };
    return {
      namespace,
      group: undefined,
      document,
      text,
      name,
      restoreText: [],
      restoreObject: pod ? [pod.restore] : [],
      ...changed,
    };
  }

  /** The next way to try after a refusal that says more about the parent than about the object. */
  async #next(request: DryRunRequest, attempt: Attempt, error: StatusError): Promise<Attempt | undefined> {
    const { document, name } = attempt;
    if (!document) return undefined;
    if (error.reason === 'AlreadyExists' && name !== undefined) {
      const other = placeholder(document, name);
      return {
        ...changedTo(attempt, other.document),
        name: other.name,
        restoreText: [other.restore, ...attempt.restoreText],
      };
    }
    const inOwn = attempt.namespace !== '' && attempt.group === undefined;
    if (inOwn && isAboutNamespace(error)) return this.#elsewhere(request, attempt);
    const service = serviceStandIn(document, error);
    return service && { ...changedTo(attempt, service.document), restoreObject: [service.restore, ...attempt.restoreObject] };
  }

  /** Tries an object in the reserved namespace, once it is known that the user could create it in its own. */
  async #elsewhere(request: DryRunRequest, attempt: Attempt): Promise<Attempt> {
    const { access, reservedNamespace } = this.#o;
    const { user, kind, namespace } = request;
    checkNamespaceName(namespace);
    await access.require(user, { verb: 'create', group: kind.group, resource: kind.plural, namespace });
    const { document } = attempt;
    if (document && kind.group === 'rbac.authorization.k8s.io') await checkGrant({ access, user, namespace, document });
    const moved = { ...attempt, namespace: reservedNamespace, group: dryRunGroup };
    const metadata = document?.['metadata'];
    const asked = isObject(metadata) ? metadata['namespace'] : undefined;
    // One that contradicts the path is the parent's to refuse.
    if (!document || asked === undefined || asked !== namespace) return moved;
    const there = { ...document, metadata: { ...(metadata as JsonObject), namespace: reservedNamespace } };
    return changedTo(moved, there);
  }

  async #send(request: DryRunRequest, attempt: Attempt): Promise<HttpAnswer> {
    const { kind, user, query, signal, applyTo, userAgent } = request;
    const { namespace, group, text } = attempt;
    const definition = { ...kind, resource: kind.plural };
    const place = { ...(namespace !== '' && { namespace }), ...(applyTo !== undefined && { name: attempt.name ?? applyTo }) };
    return this.#o.client.answer({
      method: applyTo === undefined ? 'POST' : 'PATCH',
      path: resourcePath(definition, place),
      query: { ...query, dryRun: 'All' },
      rawBody: text,
      contentType: applyTo !== undefined ? 'application/apply-patch+yaml' : text === request.text ? request.contentType : json,
      headers: { ...impersonationHeaders(user, group), ...(userAgent !== undefined && { 'user-agent': userAgent }) },
      signal,
    });
  }

  #errorOf(request: DryRunRequest, attempt: Attempt, answer: HttpAnswer): StatusError {
    const { body, status } = answer;
    if (status === 403 && body.includes('cannot impersonate resource')) {
      return new StatusError(500, 'internal error; the log of the server tells more under the audit id of this request', {
        cause: new Error(`the hub may not act in the name of users: ${statusOf(answer).message}`),
      });
    }
    const named = attempt.restoreText.reduce((text, restore) => restore(text), body);
    const text = attempt.group === undefined ? named : named.replaceAll(this.#o.reservedNamespace, request.namespace);
    return statusOf({ status, body: text });
  }
}

function restored(request: DryRunRequest, attempt: Attempt, answer: HttpAnswer): DryRunAnswer {
  const text = attempt.restoreText.reduce((body, restore) => restore(body), answer.body);
  // YAML and defaults show their digits only here.
  checkExactIntegers(text);
  let object = JSON.parse(text) as KubeObject;
  if (attempt.group !== undefined) object.metadata.namespace = request.namespace;
  for (const restore of attempt.restoreObject) object = restore(object);
  object.apiVersion = apiVersionOfKind(request.kind);
  object.kind = request.kind.kind;
  const warning = answer.headers['warning'] as string | string[] | undefined;
  return { object, warnings: warning === undefined ? [] : [warning].flat() };
}

function changedTo(attempt: Attempt, document: JsonObject): Attempt {
  return { ...attempt, document, text: JSON.stringify(document) };
}

/** Server-side apply does not refuse what is there; it would be merged into it. */
function taken(): StatusError {
  return new StatusError(409, 'the name is taken in the parent', { reason: 'AlreadyExists' });
}

/** The namespace is gone or going, or has no room left: nothing that a template needs. */
function isAboutNamespace({ code, message, details }: StatusError): boolean {
  if (code === 404) return details?.kind === 'namespaces';
  const terminating = details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
  return code === 403 && (terminating || /exceeded quota: |failed quota: /.test(message));
}

function checkNamespaceName(name: string): void {
  if (name.length <= 63 && dnsLabel.test(name)) return;
  const message =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric " +
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  throw new StatusError(422, `metadata.namespace: Invalid value: ${JSON.stringify(name)}: ${message}`, {
    details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'metadata.namespace' }] },
  });
}
