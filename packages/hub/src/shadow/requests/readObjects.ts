// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type Manifest } from '@clusternet/api-types';
import {
  expired,
  type ListQuery,
  omit,
  parseListQuery,
  representation,
  type Representation,
  serveWatch,
  StatusError,
  type TablePrinter,
  toPartialMetadata,
  toTable,
  writeJson,
  writeList,
} from '@clusternet/apiserver';
import { apiVersionOfKind, collectionOf, type ServedKind } from '../kinds/servedKind.ts';
import { printerOf } from '../printers/printerOf.ts';
import { type ObjectRequest, type ShadowContext, type ShadowRequest } from '../shadowContext.ts';
import { manifestNames, templateKey, type TemplateRef } from '../templates/identity.ts';
import { shadowObject } from '../templates/shadowObject.ts';
import { type Stored } from '../templates/templateStore.ts';
import { decodeToken, encodeToken } from './continueToken.ts';
import { notFound } from './errors.ts';
import { isSweeping } from './parentControllers.ts';
import { type Selection, selectionOf } from './selection.ts';

const defaultWatchMs = 1_800_000;

/**
 * A template with its Manifest, as new as whatever this replica has written.
 *
 * @throws StatusError 404
 */
export async function readStored(context: ShadowContext, kind: ServedKind, ref: TemplateRef): Promise<Stored> {
  await context.store.settledOf(collectionOf(kind), ref);
  const known = context.store.get(collectionOf(kind), ref) ?? (await readManifest(context, kind, ref));
  if (!known) throw notFound(kind, ref.name);
  return known;
}

/** A template straight from the parent: another replica may have made or changed it just now. */
export async function readManifest(context: ShadowContext, kind: ServedKind, ref: TemplateRef): Promise<Stored | undefined> {
  const known = context.store.get(collectionOf(kind), ref)?.manifest.metadata.name;
  for (const name of new Set([...(known === undefined ? [] : [known]), ...manifestNames(kind, ref)])) {
    const manifest = await context.manifests.find({ namespace: context.reservedNamespace, name });
    if (manifest && isTemplateOf(manifest, kind, ref)) return { manifest, object: shadowObject(manifest) };
  }
  return undefined;
}

/** Whether a Manifest keeps the template that is meant; names alone do not tell. */
export function isTemplateOf({ template }: Manifest, kind: ServedKind, { namespace, name }: TemplateRef): boolean {
  const { apiVersion = '', kind: kindName, metadata } = template as Partial<KubeObject>;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const same = group === kind.group && kindName === kind.kind;
  return same && metadata?.name === name && (metadata.namespace ?? '') === namespace;
}

/** Answers with one object, in the form that the caller wants. */
export function answerObject(
  { request, response, kind, context }: ShadowRequest,
  object: KubeObject,
  { code = 200, printer = printerOf(kind) }: { code?: number; printer?: TablePrinter } = {},
): void {
  const form = representation(request.headers.accept, request.kube.rawQuery);
  writeJson(response, shaped(form, { object, printer, now: context.now() }), { code });
}

function shaped(form: Representation, o: { object: KubeObject; printer: TablePrinter; now: Date }): object {
  const { object, printer, now } = o;
  if (form.as === 'object') return object;
  if (form.as === 'metadata') return toPartialMetadata(object, form.version);
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  return toTable([object], { printer, ...form, now, metadata });
}

export async function getObject(o: ObjectRequest): Promise<void> {
  const { context, kind, ref, query, request } = o;
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') await awaitVersion(context, version);
  if (isSweeping(request)) throw notFound(kind, ref.name);
  const { object } = await readStored(context, kind, ref);
  answerObject(o, object);
}

/** Lists, or watches where the query says so. */
export async function listObjects(o: ShadowRequest): Promise<void> {
  const { request, kind, namespace, context } = o;
  const options = parseListQuery(request.kube.rawQuery);
  const form = representation(request.headers.accept, request.kube.rawQuery);
  const selection = selectionOf(kind, namespace, options);
  if (isSweeping(request)) selection.matches = () => false;
  if (options.watch) return watch(o, { options, form, selection });
  await context.store.settled();
  const page = await pageOf(o, options, selection);
  return writePage(o, page, form);
}

/** Templates that a request selects, of the whole collection. */
export async function selectedObjects(o: ShadowRequest): Promise<KubeObject[]> {
  const { context, kind, namespace, request } = o;
  const selection = selectionOf(kind, namespace, parseListQuery(request.kube.rawQuery));
  await context.store.settled();
  return context.store.list(collectionOf(kind)).filter((object) => selection.matches(object));
}

interface Page {
  objects: readonly KubeObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

async function pageOf({ context, kind, namespace }: ShadowRequest, options: ListQuery, selection: Selection): Promise<Page> {
  const { store } = context;
  const collection = collectionOf(kind);
  const token = options.continue === undefined ? undefined : decodeToken(options.continue);
  const exact = options.resourceVersionMatch === 'Exact' ? Number(options.resourceVersion) : undefined;
  if (options.resourceVersion !== '' && options.resourceVersion !== '0') await awaitVersion(context, options.resourceVersion);
  const version = token?.version ?? exact ?? store.log.version;
  const only = token === undefined && exact === undefined && selection.only;
  const found = only
    ? [store.get(collection, only)?.object].filter((one) => one !== undefined)
    : store.listAt(collection, version);
  if (!found) throw token ? tokenExpired(store.log.version, token.after) : expired();
  const matching = selection.everything && namespace === '' ? found : found.filter((object) => selection.matches(object));
  const rest = token ? matching.filter((object) => keyOf(object) > token.after) : matching;
  const { limit } = options;
  const last = limit > 0 && rest.length > limit ? rest[limit - 1] : undefined;
  if (!last) return { objects: rest, metadata: { resourceVersion: String(version) } };
  return {
    objects: rest.slice(0, limit),
    metadata: {
      resourceVersion: String(version),
      continue: encodeToken({ version, after: keyOf(last) }),
      // Kubernetes counts only what no selector was applied to.
      ...(selection.everything && { remainingItemCount: rest.length - limit }),
    },
  };
}

async function writePage({ request, response, kind, context }: ShadowRequest, page: Page, form: Representation): Promise<void> {
  const { objects, metadata } = page;
  const size = objects.length;
  if (form.as === 'table') {
    const { rows, ...head } = toTable(objects, { printer: printerOf(kind), ...form, now: context.now(), metadata }) as {
      rows: object[];
    };
    return size === 0
      ? writeJson(response, { ...head, rows: null })
      : writeList({ request, response, head, key: 'rows', items: rows, size });
  }
  if (form.as === 'metadata') {
    const head = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata };
    return writeList({ request, response, head, key: 'items', items: partials(objects, form.version), size });
  }
  const head = {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOfKind(kind),
    metadata: kind.custom ? { continue: '', ...metadata } : metadata,
  };
  return writeList({ request, response, head, key: 'items', items: kind.custom ? objects : untyped(objects), size });
}

function* partials(objects: readonly KubeObject[], version: string): Generator<object> {
  for (const object of objects) yield toPartialMetadata(object, version);
}

/** Lists of built-in kinds say once what their items are. */
function* untyped(objects: readonly KubeObject[]): Generator<object> {
  for (const object of objects) yield omit(object, ['apiVersion', 'kind']);
}

async function watch(
  { request, response, kind, context }: ShadowRequest,
  o: { options: ListQuery; form: Representation; selection: Selection },
): Promise<void> {
  const { options, form, selection } = o;
  const { store } = context;
  const collection = collectionOf(kind);
  const { resourceVersion: asked, sendInitialEvents } = options;
  const fromNow = asked === '' || asked === '0';
  await store.settled();
  if (!fromNow && sendInitialEvents === true) await awaitVersion(context, asked);
  // A version of the future is not refused: it is one of another collection, or of what another replica knows already.
  const whole = sendInitialEvents ?? fromNow;
  const version = store.log.version;
  const initial = whole ? store.list(collection).filter((object) => selection.matches(object)) : [];
  await serveWatch({
    response,
    signal: request.kube.signal,
    log: store.log,
    collection,
    apiVersion: apiVersionOfKind(kind),
    kind: kind.kind,
    from: whole || fromNow ? store.log.end() : store.log.after(collection, Number(asked)),
    initial,
    ...(sendInitialEvents === true && { initialVersion: version }),
    matches: selection.matches,
    bookmarks: options.allowWatchBookmarks,
    timeoutMs: options.timeoutSeconds ? options.timeoutSeconds * 1000 : defaultWatchMs * (1 + Math.random()),
    form,
    printer: printerOf(kind),
    now: context.now,
  });
}

/** @throws StatusError 504 when a version does not come, as one of another cluster would not */
async function awaitVersion({ store }: ShadowContext, text: string): Promise<void> {
  const version = Number(text);
  if (await store.reached(version)) return;
  throw new StatusError(504, `Too large resource version: ${version}, current: ${store.log.version}`, {
    retryAfterSeconds: 1,
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  });
}

function tokenExpired(version: number, after: string): StatusError {
  const token = encodeToken({ version, after });
  return new StatusError(
    410,
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      `the continue parameter, or use the continue token in this response to retrieve the remainder of the results: ${token}`,
    { reason: 'Expired' },
  );
}

function keyOf({ metadata: { namespace = '', name = '' } }: KubeObject): string {
  return templateKey({ namespace, name });
}
