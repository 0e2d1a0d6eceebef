// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { age, humanDuration } from '@clusternet/apiserver';
import {
  at,
  ageColumn,
  boolean,
  containerColumns,
  countAt,
  integer,
  labelText,
  listAt,
  nameColumn,
  numberAt,
  type PrintedColumn,
  selectorColumn,
  selectorText,
  text,
  textAt,
  wide,
} from './cells.ts';

const ready = (desired: string): PrintedColumn =>
  text('Ready', (object) => `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, desired)}`);
const replicaCounts: PrintedColumn[] = [
  integer('Desired', (object) => numberAt(object, 'spec.replicas')),
  integer('Current', (object) => numberAt(object, 'status.replicas')),
  integer('Ready', (object) => numberAt(object, 'status.readyReplicas')),
];

/** Columns of the kinds that run Pods, by group and kind. */
export const workloadPrinters: Record<string, PrintedColumn[]> = {
  '/Pod': [
    nameColumn,
    text('Ready', (object) => `0/${countAt(object, 'spec.containers')}`),
    text('Status', (object) => textAt(object, 'status.phase')),
    text('Restarts', () => '0'),
    ageColumn,
    wide(text('IP', (object) => textAt(object, 'status.podIP') || '<none>')),
    wide(text('Node', (object) => textAt(object, 'spec.nodeName') || '<none>')),
    wide(text('Nominated Node', (object) => textAt(object, 'status.nominatedNodeName') || '<none>')),
    wide(
      text('Readiness Gates', (object) =>
        countAt(object, 'spec.readinessGates') === 0 ? '<none>' : `0/${countAt(object, 'spec.readinessGates')}`,
      ),
    ),
  ],
  '/PodTemplate': [
    nameColumn,
    ...containerColumns('template.spec.containers').map((column) => ({ ...column, priority: 0 })),
    text('Pod Labels', (object) => labelText(at(object, 'template.metadata.labels'))),
  ],
  '/ReplicationController': [
    nameColumn,
    ...replicaCounts,
    ageColumn,
    ...containerColumns(),
    wide(text('Selector', (object) => labelText(at(object, 'spec.selector')))),
  ],
  'apps/ReplicaSet': [nameColumn, ...replicaCounts, ageColumn, ...containerColumns(), selectorColumn],
  'apps/Deployment': [
    nameColumn,
    ready('spec.replicas'),
    text('Up-to-date', (object) => numberAt(object, 'status.updatedReplicas')),
    text('Available', (object) => numberAt(object, 'status.availableReplicas')),
    ageColumn,
    ...containerColumns(),
    selectorColumn,
  ],
  'apps/StatefulSet': [nameColumn, ready('spec.replicas'), ageColumn, ...containerColumns()],
  'apps/DaemonSet': [
    nameColumn,
    integer('Desired', (object) => numberAt(object, 'status.desiredNumberScheduled')),
    integer('Current', (object) => numberAt(object, 'status.currentNumberScheduled')),
    integer('Ready', (object) => numberAt(object, 'status.numberReady')),
    integer('Up-to-date', (object) => numberAt(object, 'status.updatedNumberScheduled')),
    integer('Available', (object) => numberAt(object, 'status.numberAvailable')),
    text('Node Selector', (object) => labelText(at(object, 'spec.template.spec.nodeSelector'))),
    ageColumn,
    ...containerColumns(),
    selectorColumn,
  ],
  'apps/ControllerRevision': [
    nameColumn,
    text('Controller', (object) => {
      const owner = listAt(object, 'metadata.ownerReferences').find(({ controller }) => controller === true);
      if (!owner) return '<none>';
      const [group = ''] = textAt(owner, 'apiVersion').split('/');
      return `${textAt(owner, 'kind').toLowerCase()}${textAt(owner, 'apiVersion').includes('/') ? `.${group}` : ''}/${textAt(owner, 'name')}`;
    }),
    integer('Revision', (object) => numberAt(object, 'revision')),
    ageColumn,
  ],
  'batch/Job': [
    nameColumn,
    text('Status', (object) => (at(object, 'spec.suspend') === true ? 'Suspended' : 'Running')),
    text('Completions', (object) => {
      const done = numberAt(object, 'status.succeeded');
      const wanted = at(object, 'spec.completions');
      if (typeof wanted === 'number') return `${done}/${wanted}`;
      const parallel = numberAt(object, 'spec.parallelism');
      return parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
    }),
    text('Duration', (object, now) => {
      const start = Date.parse(textAt(object, 'status.startTime'));
      return Number.isNaN(start)
        ? ''
        : humanDuration((Date.parse(textAt(object, 'status.completionTime')) || now.getTime()) - start);
    }),
    ageColumn,
    ...containerColumns(),
    selectorColumn,
  ],
  'batch/CronJob': [
    nameColumn,
    text('Schedule', (object) => textAt(object, 'spec.schedule')),
    text('Timezone', (object) => textAt(object, 'spec.timeZone') || '<none>'),
    boolean('Suspend', (object) => (at(object, 'spec.suspend') === true ? 'True' : 'False')),
    integer('Active', (object) => countAt(object, 'status.active')),
    text('Last Schedule', (object, now) => {
      const last = textAt(object, 'status.lastScheduleTime');
      return last === '' ? '<none>' : age(last, now);
    }),
    ageColumn,
    ...containerColumns('spec.jobTemplate.spec.template.spec.containers'),
    wide(text('Selector', (object) => selectorText(at(object, 'spec.jobTemplate.spec.selector')))),
  ],
  'autoscaling/HorizontalPodAutoscaler': [
    nameColumn,
    text('Reference', (object) => `${textAt(object, 'spec.scaleTargetRef.kind')}/${textAt(object, 'spec.scaleTargetRef.name')}`),
    text('Targets', (object) => targets(listAt(object, 'spec.metrics'))),
    text('MinPods', (object) => textAt(object, 'spec.minReplicas') || '<unset>'),
    text('MaxPods', (object) => numberAt(object, 'spec.maxReplicas')),
    text('Replicas', (object) => numberAt(object, 'status.currentReplicas')),
    ageColumn,
  ],
  'policy/PodDisruptionBudget': [
    nameColumn,
    text('Min Available', (object) => textAt(object, 'spec.minAvailable') || 'N/A'),
    text('Max Unavailable', (object) => textAt(object, 'spec.maxUnavailable') || 'N/A'),
    integer('Allowed Disruptions', (object) => numberAt(object, 'status.disruptionsAllowed')),
    ageColumn,
  ],
  'scheduling.k8s.io/PriorityClass': [
    nameColumn,
    integer('Value', (object) => numberAt(object, 'value')),
    boolean('Global-Default', (object) => at(object, 'globalDefault') === true),
    ageColumn,
    text('PreemptionPolicy', (object) => textAt(object, 'preemptionPolicy')),
  ],
  'node.k8s.io/RuntimeClass': [nameColumn, text('Handler', (object) => textAt(object, 'handler')), ageColumn],
  'coordination.k8s.io/Lease': [nameColumn, text('Holder', (object) => textAt(object, 'spec.holderIdentity')), ageColumn],
  '/ResourceQuota': [
    nameColumn,
    text('Request', (object) => quotas(at(object, 'status.hard'), (name) => !name.startsWith('limits.'))),
    text('Limit', (object) => quotas(at(object, 'status.hard'), (name) => name.startsWith('limits.'))),
    ageColumn,
  ],
};

function quotas(hard: unknown, which: (name: string) => boolean): string {
  const entries = typeof hard === 'object' && hard !== null ? Object.entries(hard) : [];
  return entries
    .filter(([name]) => which(name))
    .map(([name, value]) => `${name}: 0/${String(value)}`)
    .toSorted()
    .join(', ');
}

const shownMetrics = 2;

function targets(metrics: readonly object[]): string {
  if (metrics.length === 0) return '<none>';
  const shown = metrics.slice(0, shownMetrics).map((metric) => {
    const type = textAt(metric, 'type');
    const key = type.charAt(0).toLowerCase() + type.slice(1);
    const name = type === 'Resource' || type === 'ContainerResource' ? `${textAt(metric, `${key}.name`)}: ` : '';
    const utilization = at(metric, `${key}.target.averageUtilization`);
    if (typeof utilization === 'number') return `${name}<unknown>/${utilization}%`;
    const average = textAt(metric, `${key}.target.averageValue`);
    return average === ''
      ? `${name}<unknown>/${textAt(metric, `${key}.target.value`)}`
      : `${name}<unknown>/${average}${type === 'External' || type === 'Object' ? ' (avg)' : ''}`;
  });
  const more = metrics.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` + ${more} more...` : '');
}
