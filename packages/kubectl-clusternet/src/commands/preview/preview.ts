// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  feedKey,
  feedOf,
  type Globalization,
  groups,
  type HelmChart,
  type KubeObject,
  type Localization,
  type ManagedCluster,
  type Manifest,
  names,
  parseKind,
  type ResourceDefinition,
  resources,
  stableStringify,
  type Subscription,
} from '@clusternet/api-types';
import { preview, type PreviewedCluster, type PreviewInput, subscriptionsWith } from '@clusternet/override-engine';
import { stringify } from 'yaml';
import { CliError } from '../../errors.ts';
import { contentDiff } from '../rollout/contentDiff.ts';
import { type Output, type Session } from '../session.ts';
import { readObjects } from './readFiles.ts';

/** Options of {@link previewOnline} and {@link previewOffline}. */
export interface PreviewOptions {
  filename: string[];
  recursive?: boolean;
  output: 'diff' | 'yaml';
}

/** Objects by what they are for. */
interface Sorted {
  subscriptions: Subscription[];
  globalizations: Globalization[];
  localizations: Localization[];
  clusters: ManagedCluster[];
  manifests: Manifest[];
  charts: HelmChart[];
}

/** Shows what the files would change against what the parent has. */
export async function previewOnline(session: Session, o: PreviewOptions): Promise<number> {
  const files = sort(await readObjects(o.filename, o), session.namespace);
  const list = async <T extends KubeObject>(definition: ResourceDefinition, namespace?: string): Promise<T[]> =>
    (await session.client.resource<T>(definition).list({ namespace })).items;
  const [subscriptions, globalizations, localizations, clusters, manifests, charts, bases, descriptions] = await Promise.all([
    list<Subscription>(resources.subscriptions),
    list<Globalization>(resources.globalizations),
    list<Localization>(resources.localizations),
    list<ManagedCluster>(resources.managedClusters),
    list<Manifest>(resources.manifests, names.reservedNamespace),
    list<HelmChart>(resources.helmCharts),
    list<Base>(resources.bases),
    list<Description>(resources.descriptions),
  ]);
  const manifestKey = ({ template }: Manifest): string => feedKey(feedOf(template));
  const there = {
    subscriptions: overlay(subscriptions, files.subscriptions),
    globalizations: overlay(globalizations, files.globalizations),
    localizations: overlay(localizations, files.localizations),
    clusters: overlay(clusters, files.clusters),
    manifests: overlay(manifests, files.manifests, manifestKey),
    charts: [...charts.filter((chart) => !files.charts.some((other) => key(other) === key(chart))), ...files.charts],
  };
  // What an override leaves when it is moved to another feed changes too.
  const overrides = [
    ...files.globalizations,
    ...files.localizations,
    ...sameNamed(globalizations, files.globalizations),
    ...sameNamed(localizations, files.localizations),
  ];
  const touched = new Set([
    ...overrides.map(({ spec }) => feedKey(spec.feed)),
    ...files.manifests.map(manifestKey),
    ...files.charts.map((chart) => feedKey(feedOf(chart))),
  ]);
  const own = new Set(files.subscriptions.map(key));
  const affected = files.clusters.length > 0 ? there.subscriptions : subscriptionsWith(there.subscriptions, touched);
  const looked = there.subscriptions.filter((one) => own.has(key(one)) || affected.includes(one));
  const before = new Map(subscriptions.map((one) => [key(one), one]));
  const input = {
    ...there,
    subscriptions: looked.map((one) => asBound(one, before.get(key(one)))),
    bases,
    descriptions,
    now: new Date(session.now()),
  };
  return print(preview(input), {
    output: session.output,
    format: o.output,
    nothing: 'No Subscription deploys anything that these files change.',
  });
}

/** Shows what the files alone come to. */
export async function previewOffline(
  o: PreviewOptions,
  { output, namespace }: { output: Output; namespace: string },
): Promise<number> {
  const files = sort(await readObjects(o.filename, o), namespace);
  if (files.clusters.length === 0)
    throw new CliError('--offline needs ManagedClusters in the files: name, namespace and labels are enough');
  const input: PreviewInput = { ...files, now: new Date() };
  return print(preview(input), {
    output,
    format: o.output,
    nothing: 'There is no Subscription in these files, or it selects none of their clusters.',
  });
}

function print(
  previewed: readonly PreviewedCluster[],
  { output, format, nothing }: { output: Output; format: 'diff' | 'yaml'; nothing: string },
): number {
  if (previewed.length === 0) output.note(nothing);
  let differs = false;
  for (const { subscription, cluster, before, after, problems, waiting } of previewed) {
    const title = `${cluster}/${subscription.metadata.namespace}/${subscription.metadata.name}`;
    const diff = contentDiff(before, after, { title, colours: output.colours });
    differs ||= diff !== '';
    if (format === 'diff') output.write(diff);
    else
      for (const object of after.values())
        output.write(`---\n# ${title}\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`);
    for (const problem of problems) output.note(`${title}: ${feedKey(problem)}: ${problem.reason}: ${problem.message}`);
    for (const override of waiting)
      output.note(`${title}: ${override} waits for the next change of the feed (overridePolicy: ApplyLater)`);
  }
  if (previewed.some(({ problems }) => problems.some(({ reason }) => reason === 'OverrideFailed'))) return 2;
  return differs && format === 'diff' ? 1 : 0;
}

function sort(objects: readonly KubeObject[], namespace: string): Sorted {
  const sorted: Sorted = { subscriptions: [], globalizations: [], localizations: [], clusters: [], manifests: [], charts: [] };
  for (const object of objects) {
    const ours = object.apiVersion.startsWith(`${groups.apps}/`) || object.apiVersion.startsWith(`${groups.clusters}/`);
    const inNamespace = { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace } };
    if (!ours) sorted.manifests.push(manifestOf(object));
    else if (object.kind === 'Subscription') sorted.subscriptions.push(parseKind(resources.subscriptions, inNamespace));
    else if (object.kind === 'Globalization') sorted.globalizations.push(parseKind(resources.globalizations, object));
    else if (object.kind === 'Localization') sorted.localizations.push(parseKind(resources.localizations, inNamespace));
    else if (object.kind === 'Manifest') sorted.manifests.push(parseKind(resources.manifests, object));
    else if (object.kind === 'HelmChart') sorted.charts.push(asFound(parseKind(resources.helmCharts, inNamespace)));
    else if (object.kind === 'ManagedCluster')
      sorted.clusters.push({
        ...object,
        metadata: { ...object.metadata, namespace: object.metadata.namespace ?? object.metadata.name },
      } as unknown as ManagedCluster);
    else
      throw new CliError(
        `${object.kind} ${object.metadata.name}: preview takes Subscriptions, overrides, HelmCharts, ManagedClusters and objects to be deployed`,
      );
  }
  return sorted;
}

/** A chart that nobody has looked for yet, with the version that it asks for. */
function asFound(chart: HelmChart): HelmChart {
  const metadata = { ...chart.metadata, generation: undefined };
  return { ...chart, metadata, status: { phase: 'Found', version: chart.spec.version ?? 'latest' } };
}

function manifestOf(template: KubeObject): Manifest {
  const { kind, metadata } = template;
  return {
    apiVersion: `${groups.apps}/v1alpha1`,
    kind: 'Manifest',
    metadata: { name: `${kind}.${metadata.namespace ?? ''}.${metadata.name}`.toLowerCase(), namespace: names.reservedNamespace },
    template,
  };
}

/** What is there, with what the files say in its place. What only the API server sets stays. */
function overlay<T extends KubeObject>(there: readonly T[], files: readonly T[], keyOf: (object: T) => string = key): T[] {
  const before = new Map(there.map((object) => [keyOf(object), object]));
  const merged = files.map((object): T => {
    const old = before.get(keyOf(object));
    if (!old) return object;
    const { uid, creationTimestamp } = old.metadata;
    return {
      ...object,
      metadata: { ...object.metadata, name: old.metadata.name, uid, creationTimestamp },
      ...(old['status'] === undefined ? {} : { status: old['status'] }),
    };
  });
  const replaced = new Set(files.map(keyOf));
  return [...there.filter((object) => !replaced.has(keyOf(object))), ...merged];
}

function sameNamed<T extends KubeObject>(there: readonly T[], files: readonly T[]): T[] {
  const wanted = new Set(files.map(key));
  return there.filter((object) => wanted.has(key(object)));
}

/** A Subscription whose subscribers change is bound anew. */
function asBound(subscription: Subscription, before: Subscription | undefined): Subscription {
  const same = before && stableStringify(before.spec.subscribers) === stableStringify(subscription.spec.subscribers);
  return same ? subscription : { ...subscription, status: undefined };
}

function key({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
