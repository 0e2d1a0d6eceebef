// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  type FeedOrder,
  type KubeObject,
  type ReplicaRequirements,
  replicaRequirementsSchema,
} from '@clusternet/api-types';
import { type ClaimTemplate, requirementsOf } from './requirementsOf.ts';

/** What an inventory says of a feed besides its name. */
export type Replicas = Pick<FeedOrder, 'desiredReplicas' | 'replicaJsonPath' | 'replicaRequirements'>;

/** A feed whose replicas cannot be read; the message says what to mend. */
export class UnparseableFeedError extends Error {
  override readonly name = 'UnparseableFeedError';
}

/** Where kinds of Kubernetes keep their replicas and their pods. */
interface WorkloadKind {
  /** The first of these paths that the object sets, or the only one whether it sets it or not. */
  paths: readonly string[];
  /** Replicas when the object sets none. */
  fallback?: number;
  podPath: string;
}

const replicated: WorkloadKind = { paths: ['/spec/replicas'], fallback: 1, podPath: '/spec/template/spec' };
const workloads: Record<string, WorkloadKind> = {
  Deployment: replicated,
  StatefulSet: replicated,
  ReplicaSet: replicated,
  ReplicationController: replicated,
  // The work to be done is divided where it is counted, else the workers. A Job that says neither is one piece.
  Job: { paths: ['/spec/completions', '/spec/parallelism'], podPath: '/spec/template/spec' },
  CronJob: {
    paths: ['/spec/jobTemplate/spec/completions', '/spec/jobTemplate/spec/parallelism'],
    podPath: '/spec/jobTemplate/spec/template/spec',
  },
};
const workloadGroups = /^(apps\/|extensions\/|batch\/)|^v1$/;

/**
 * The replicas of an object: of the kinds of Kubernetes that have some, and of any other whose path is declared, by the annotation
 * `apps.clusternet.io/replicas-path` on the object or by the scale subresource of its CustomResourceDefinition.
 *
 * @throws UnparseableFeedError for an annotation that leads nowhere
 */
export function replicasOf(object: KubeObject, scalePath?: string): Replicas {
  const declared = object.metadata.annotations?.[annotations.replicasPath];
  const requirements = declaredRequirements(object);
  const known =
    workloadGroups.test(object.apiVersion) && Object.hasOwn(workloads, object.kind) ? workloads[object.kind] : undefined;
  if (declared !== undefined) {
    const desiredReplicas = numberAt(object, declared);
    if (desiredReplicas === undefined) {
      throw new UnparseableFeedError(
        `annotation ${annotations.replicasPath} says ${declared}, and the object has no number there`,
      );
    }
    return { desiredReplicas, replicaJsonPath: declared, ...withRequirements(requirements ?? needs(object, known?.podPath)) };
  }
  if (known) {
    const set = known.paths.find((path) => numberAt(object, path) !== undefined);
    const path = set ?? (known.fallback === undefined ? undefined : known.paths[0]);
    if (path === undefined) return {};
    return {
      desiredReplicas: numberAt(object, path) ?? known.fallback,
      replicaJsonPath: path,
      ...withRequirements(requirements ?? needs(object, known.podPath)),
    };
  }
  const scaled = scalePath === undefined ? undefined : numberAt(object, scalePath);
  return scaled === undefined ? {} : { desiredReplicas: scaled, replicaJsonPath: scalePath, ...withRequirements(requirements) };
}

/**
 * The replicas of a chart, whose values only its author knows: declared by the annotations `apps.clusternet.io/replicas-path` (a
 * pointer into the values) and `apps.clusternet.io/replicas`.
 *
 * @throws UnparseableFeedError when one is there without the other, or is not a number
 */
export function replicasOfChart(chart: KubeObject): Replicas {
  const { [annotations.replicasPath]: path, [annotations.replicas]: count } = chart.metadata.annotations ?? {};
  if (path === undefined && count === undefined) return {};
  if (path === undefined || !path.startsWith('/')) {
    throw new UnparseableFeedError(
      `annotation ${annotations.replicasPath} has to be a JSON pointer into the values, such as /replicaCount`,
    );
  }
  if (count === undefined || !/^\d{1,9}$/.test(count)) {
    throw new UnparseableFeedError(`annotation ${annotations.replicas} has to be the number of replicas to divide`);
  }
  return { desiredReplicas: Number(count), replicaJsonPath: path, ...withRequirements(declaredRequirements(chart)) };
}

/** Path of the replicas that a CustomResourceDefinition declares for a version, as a JSON pointer. */
export function scalePathOf(definition: KubeObject, version: string): string | undefined {
  interface Definition {
    spec?: { versions?: { name: string; subresources?: { scale?: { specReplicasPath?: string } } }[] };
  }
  const found = (definition as Definition).spec?.versions?.find(({ name }) => name === version);
  const path = found?.subresources?.scale?.specReplicasPath;
  // It is a path without wildcards or brackets: .spec.size
  return path?.startsWith('.') ? path.replaceAll('.', '/') : undefined;
}

function numberAt(object: unknown, pointer: string): number | undefined {
  if (!pointer.startsWith('/')) return undefined;
  let at: unknown = object;
  for (const raw of pointer.split('/').slice(1)) {
    const key = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return typeof at === 'number' && Number.isInteger(at) && at >= 0 && at < 2 ** 31 ? at : undefined;
}

function needs(object: KubeObject, podPath: string | undefined): ReplicaRequirements | undefined {
  if (podPath === undefined) return undefined;
  let at: unknown = object;
  for (const key of podPath.split('/').slice(1)) at = (at as Record<string, unknown> | undefined)?.[key];
  if (typeof at !== 'object' || at === null) return undefined;
  const { volumeClaimTemplates } = (object.spec ?? {}) as { volumeClaimTemplates?: ClaimTemplate[] };
  const claimTemplates = Array.isArray(volumeClaimTemplates) ? volumeClaimTemplates : [];
  return requirementsOf(at, { namespace: object.metadata.namespace, claimTemplates });
}

function declaredRequirements(object: KubeObject): ReplicaRequirements | undefined {
  const text = object.metadata.annotations?.[annotations.replicaRequirements];
  if (text === undefined) return undefined;
  try {
    return replicaRequirementsSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = `annotation ${annotations.replicaRequirements} has to be JSON such as {"resources":{"requests":{"cpu":"500m"}}}`;
    throw new UnparseableFeedError(message, { cause: error });
  }
}

function withRequirements(replicaRequirements: ReplicaRequirements | undefined): Pick<Replicas, 'replicaRequirements'> {
  return replicaRequirements === undefined || Object.keys(replicaRequirements).length === 0 ? {} : { replicaRequirements };
}
