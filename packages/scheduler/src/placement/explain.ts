// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { NOT_SELECTED } from '../plugins/clusterAffinity.ts';

/** Longest message of a condition or event; the API server refuses longer ones. */
const longest = 1024;

/** Why clusters were left out: how many by each reason, and by each plugin. */
export class Rejections {
  readonly reasons = new Map<string, number>();
  readonly plugins = new Map<string, number>();

  add(plugin: string, reasons: readonly string[]): void {
    this.plugins.set(plugin, (this.plugins.get(plugin) ?? 0) + 1);
    for (const reason of reasons.length > 0 ? reasons : [`were left out by ${plugin}`]) {
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    }
  }

  /** `ClusterAffinity 2, TaintToleration 1`. */
  byPlugin(): string {
    return [...this.plugins].map(([plugin, count]) => `${plugin} ${count}`).join(', ');
  }
}

/** Why nothing could be chosen: `0/8 clusters are available: 3 had untolerated taint {…}.` */
export function explainNone({ reasons }: Rejections, considered: number): string {
  if (considered === 0) return 'there is no cluster yet: register one';
  return `0/${considered} clusters are available: ${counted(reasons).join(', ')}.`;
}

/** What was chosen, and which of the selected clusters were left out. Clusters that nobody asked for are not worth a word. */
export function explainSome({ reasons }: Rejections, bound: number): string {
  const left = counted(new Map([...reasons].filter(([reason]) => reason !== NOT_SELECTED)));
  const count = bound === 1 ? '1 cluster' : `${bound} clusters`;
  return left.length === 0 ? `bound to ${count}` : `bound to ${count}; left out: ${left.join(', ')}`;
}

/** Each cluster may have a taint of its own to tell about. */
export function shortened(message: string): string {
  return message.length <= longest ? message : `${message.slice(0, longest - 3)}...`;
}

function counted(reasons: ReadonlyMap<string, number>): string[] {
  return [...reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `${count} ${reason}`);
}
