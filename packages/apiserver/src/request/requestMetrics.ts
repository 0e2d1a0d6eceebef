// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from '@clusternet/runtime';
import { type RequestInfo } from './requestInfo.ts';
import { type RequestClass } from './requestClass.ts';

/** How one request went. */
export interface FinishedRequest {
  info: RequestInfo | undefined;
  requestClass: RequestClass;
  /** Whether the resource is served here; others are counted together, as anybody can make up names. */
  known: boolean;
  code: number;
  seconds: number;
}

/** Metrics of requests, under the names of Kubernetes API servers. */
export interface RequestMetrics {
  finished(request: FinishedRequest): void;
}

const verbs = new Set(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']);
const labels = ['verb', 'group', 'version', 'resource', 'subresource', 'code'];

/** @param inFlight - requests under way now, by class */
export function requestMetrics(metrics: Metrics, inFlight: () => Record<string, number>): RequestMetrics {
  const total = metrics.counter({
    name: 'apiserver_request_total',
    help: 'Requests answered, by what they asked for and the HTTP code.',
    labelNames: labels,
  });
  const durations = metrics.histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; long-running requests and upgrades left out.',
    labelNames: labels.slice(0, -1),
  });
  metrics.gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Requests under way: short ones, long-running ones, and upgraded connections that take no slot.',
    labelNames: ['request_kind'],
    collect: (gauge) => {
      for (const [kind, count] of Object.entries(inFlight())) gauge.set({ request_kind: kind }, count);
    },
  });
  return {
    finished: ({ info, requestClass, known, code, seconds }) => {
      const about = labelsOf(info, known);
      total.inc({ ...about, code: String(code) });
      if (requestClass === 'short') durations.observe(about, seconds);
    },
  };
}

function labelsOf(info: RequestInfo | undefined, known: boolean): Record<string, string> {
  const verb = info && verbs.has(info.verb) ? info.verb : 'other';
  if (!info?.isResource || !known) return { verb, group: '', version: '', resource: '', subresource: '' };
  const { group, version, resource, subresource } = info;
  return { verb, group, version, resource, subresource };
}
