// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseQuantity, type ReplicaRequirements } from '@clusternet/api-types';

type Quantities = Record<string, string | number | undefined>;

interface Container {
  resources?: { requests?: Quantities; limits?: Quantities };
  restartPolicy?: string;
}

/** Parts of a pod that say where it can run. */
export interface PodSpec {
  nodeSelector?: Record<string, string>;
  tolerations?: ReplicaRequirements['tolerations'];
  affinity?: ReplicaRequirements['affinity'];
  containers?: Container[];
  initContainers?: Container[];
  overhead?: Quantities;
  volumes?: {
    persistentVolumeClaim?: { claimName?: string };
    ephemeral?: { volumeClaimTemplate?: ClaimTemplate };
  }[];
}

/** A claim that is made for each pod. */
export interface ClaimTemplate {
  spec?: { storageClassName?: string };
}

/**
 * What one pod needs, as the scheduler of Kubernetes counts it: the sum over its containers and sidecars (a request defaults to the limit),
 * at least what the largest init container takes, plus the overhead; and the volumes that tie it to places.
 */
export function requirementsOf(
  pod: PodSpec,
  { namespace = '', claimTemplates = [] }: { namespace?: string; claimTemplates?: readonly ClaimTemplate[] } = {},
): ReplicaRequirements {
  const volumes = Array.isArray(pod.volumes) ? pod.volumes : [];
  const claims = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const templates = [...claimTemplates, ...volumes.flatMap(({ ephemeral }) => ephemeral?.volumeClaimTemplate ?? [])];
  const classes = [...new Set(templates.flatMap(({ spec }) => spec?.storageClassName || []))];
  const requests = total(pod, ({ resources = {} }) => ({ ...resources.limits, ...resources.requests }));
  const limits = total(pod, ({ resources = {} }) => resources.limits ?? {});
  const some = (amounts: Quantities) => Object.keys(amounts).length > 0;
  const resources = { ...(some(limits) ? { limits } : {}), ...(some(requests) ? { requests } : {}) };
  return {
    ...(pod.nodeSelector ? { nodeSelector: pod.nodeSelector } : {}),
    ...(pod.tolerations ? { tolerations: pod.tolerations } : {}),
    ...(pod.affinity ? { affinity: pod.affinity } : {}),
    ...(some(resources as Quantities) ? { resources } : {}),
    ...(claims.length > 0 ? { volumeClaims: claims.map((name) => `${namespace}/${name}`) } : {}),
    ...(classes.length > 0 ? { storageClassNames: classes } : {}),
  };
}

function total(pod: PodSpec, of: (container: Container) => Quantities): Record<string, string> {
  const init = pod.initContainers ?? [];
  const isSidecar = ({ restartPolicy }: Container) => restartPolicy === 'Always';
  const sum = new Map<string, bigint>();
  const add = (amounts: Quantities) => {
    for (const [name, text] of Object.entries(amounts)) sum.set(name, (sum.get(name) ?? 0n) + nanos(text ?? 0));
  };
  for (const container of [...(pod.containers ?? []), ...init.filter(isSidecar)]) add(of(container));
  for (const container of init.filter((one) => !isSidecar(one))) {
    for (const [name, text] of Object.entries(of(container))) {
      const amount = nanos(text ?? 0);
      if (amount > (sum.get(name) ?? 0n)) sum.set(name, amount);
    }
  }
  if (sum.size > 0) add(pod.overhead ?? {});
  return Object.fromEntries([...sum].map(([name, amount]) => [name, written(amount)]));
}

/** A quantity in billionths. What the API server would refuse counts as nothing. */
function nanos(text: string | number): bigint {
  const { nanos: amount = 0n } = parseQuantity(String(text)) ?? {};
  return amount > 0n ? amount : 0n;
}

function written(amount: bigint): string {
  if (amount % 10n ** 9n === 0n) return String(amount / 10n ** 9n);
  if (amount % 1_000_000n === 0n) return `${amount / 1_000_000n}m`;
  return `${amount}n`;
}
