// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { added, amountsOf, larger, type Amounts } from './amounts.ts';

interface Container {
  restartPolicy?: string;
  resources?: { requests?: Record<string, string | number> };
}

/** The part of a Pod that says what it takes from its node. */
export interface Pod extends KubeObject {
  spec?: {
    nodeName?: string;
    containers?: Container[];
    initContainers?: Container[];
    overhead?: Record<string, string | number>;
    resources?: { requests?: Record<string, string | number> };
  };
}

/** What the agent keeps of a Pod: a cluster of ten thousands of them must fit a small process. */
export interface PodSummary extends KubeObject {
  node: string;
  requests: Amounts;
}

/** Transform for the informer of pods. */
export function summarizePod(pod: Pod): PodSummary {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid, resourceVersion },
    node: pod.spec?.nodeName ?? '',
    requests: podRequests(pod.spec),
  };
}

/**
 * What a pod takes, as the scheduler of Kubernetes counts it: all containers at once, or at any step of the start the init container
 * of that step beside the sidecars started before it, whichever is more. Requests of the pod as a whole replace those of its containers.
 */
export function podRequests(spec: Pod['spec']): Amounts {
  const requestsOf = (container: Container): Amounts => amountsOf(container.resources?.requests);
  let running: Amounts = {};
  let starting: Amounts = {};
  for (const container of spec?.initContainers ?? []) {
    const own = requestsOf(container);
    if (container.restartPolicy === 'Always') running = added(running, own);
    starting = larger(starting, container.restartPolicy === 'Always' ? running : added(running, own));
  }
  for (const container of spec?.containers ?? []) running = added(running, requestsOf(container));
  const total = { ...larger(running, starting), ...amountsOf(spec?.resources?.requests) };
  return spec?.overhead ? added(total, amountsOf(spec.overhead)) : total;
}
