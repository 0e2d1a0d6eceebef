// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed } from '@clusternet/api-types';
import { age } from '../../output/age.ts';
import { type Colours } from '../../output/colours.ts';
import { visibleLength } from '../../output/table.ts';
import { type Cause, type ClusterNode, type ObjectNode, type State, type StatusTree } from './tree.ts';

interface Line {
  /** Branches and name. */
  left: string;
  right: string;
}

/** The tree as lines of text: what is done in one word, what waits or failed with its cause and since when. */
export function renderTree(tree: StatusTree, o: { now: number; colours: Colours }): string {
  const lines: Line[] = [
    {
      left: `${mark(tree.state, o.colours)} Subscription ${tree.namespace}/${tree.name}`,
      right: tree.deleting ? 'Deleting' : `${tree.done}/${tree.total} clusters done`,
    },
    ...tree.causes.map((cause) => ({ left: `  ${causeText(cause, o)}`, right: '' })),
  ];
  for (const [i, cluster] of tree.clusters.entries()) {
    const isLast = i === tree.clusters.length - 1;
    const below = isLast ? '   ' : `${o.colours.faint('│')}  `;
    lines.push({
      left: `${o.colours.faint(isLast ? '└─' : '├─')} ${mark(cluster.state, o.colours)} ${cluster.name}`,
      right: summary(cluster),
    });
    for (const cause of cluster.causes) lines.push({ left: `${below}   ${causeText(cause, o)}`, right: '' });
    for (const [j, object] of cluster.objects.entries()) {
      const branch = o.colours.faint(j === cluster.objects.length - 1 ? '└─' : '├─');
      lines.push({
        left: `${below}${branch} ${mark(object.state, o.colours)} ${feedText(object.feed)}`,
        right: objectText(object, o),
      });
      const { cause } = object;
      if (object.state === 'failed' && cause?.message !== undefined) {
        const under = j === cluster.objects.length - 1 ? '   ' : `${o.colours.faint('│')}  `;
        lines.push({ left: `${below}${under}  ${cause.message.replace(/\s+/g, ' ')}`, right: '' });
      }
    }
  }
  const width = Math.max(...lines.filter(({ right }) => right !== '').map(({ left }) => visibleLength(left)));
  return lines
    .map(({ left, right }) =>
      right === '' ? left : `${left}${' '.repeat(Math.max(0, width - visibleLength(left)) + 3)}${right}`,
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function mark(state: State, colours: Colours): string {
  if (state === 'done') return colours.good('✓');
  return state === 'failed' ? colours.bad('✗') : colours.waiting('…');
}

function feedText({ apiVersion, kind, namespace, name }: Feed): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${kind}${group} ${namespace ? `${namespace}/` : ''}${name}`;
}

function objectText(object: ObjectNode, o: { now: number; colours: Colours }): string {
  const { word, replicas, state, cause } = object;
  const paint = state === 'done' ? o.colours.good : state === 'failed' ? o.colours.bad : o.colours.waiting;
  const since = state !== 'done' && cause?.since ? o.colours.faint(` for ${age(cause.since, o.now)}`) : '';
  return `${paint(word)}${replicas === undefined ? '' : ` ${replicas}`}${since}`;
}

function causeText({ reason, message, since }: Cause, o: { now: number; colours: Colours }): string {
  const text = message === undefined ? reason : `${reason}: ${message.replace(/\s+/g, ' ')}`;
  return `${o.colours.waiting(text)}${since === undefined ? '' : o.colours.faint(` (for ${age(since, o.now)})`)}`;
}

function summary({ base, descriptions }: ClusterNode): string {
  if (base === undefined) return '';
  return descriptions.length === 0
    ? `Base ${base}`
    : descriptions.map(({ name, phase }) => `Description ${name}: ${phase}`).join(', ');
}
