// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isIP } from 'node:net';
import { type KubeObject } from '@clusternet/api-types';

/** The part of a Pod that the search for CIDRs reads. */
export interface ControlPlanePod extends KubeObject {
  spec?: { containers?: { command?: string[]; args?: string[] }[] };
}

/** Address ranges of a child; a dual-stack range keeps its comma list. */
export interface ClusterCidrs {
  clusterCIDR?: string;
  serviceCIDR?: string;
}

/**
 * Finds a flag that carries CIDRs among the commands of pods: `--flag=value`, `--flag value` as two elements, and either inside
 * one shell line. A value that is no list of CIDRs is passed over, as anything may stand in a pod's command.
 */
export function findCidrFlag(pods: readonly ControlPlanePod[], flag: string): string | undefined {
  for (const pod of pods) {
    for (const container of pod.spec?.containers ?? []) {
      const words = [...(container.command ?? []), ...(container.args ?? [])]
        .flatMap((element) => element.split(/\s+/))
        .filter(Boolean);
      for (const [index, word] of words.entries()) {
        const value = word === flag ? words[index + 1] : word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : undefined;
        const cidrs = value?.replace(/^["']|["']$/g, '');
        if (cidrs !== undefined && isCidrList(cidrs)) return cidrs;
      }
    }
  }
  return undefined;
}

/** Whether the text is one CIDR or a comma list of them. */
export function isCidrList(text: string): boolean {
  return text.split(',').every((part) => {
    const [address = '', prefix = '', ...rest] = part.trim().split('/');
    const family = isIP(address);
    return family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
  });
}
