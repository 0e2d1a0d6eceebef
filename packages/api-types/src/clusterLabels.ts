// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isLabelKey, isLabelValue } from './syntax.ts';
import { labels } from './wellKnown.ts';

const reserved: string[] = [labels.createdBy, labels.clusterId, labels.clusterName, labels.registeredBy, labels.bootstrapping];

/**
 * Reads the labels that a cluster is given by its agent: `k=v,k=v`.
 *
 * @throws Error naming the item at fault: an item that is silently dropped would send workloads to the wrong clusters. Labels
 * by which Clusternet itself knows a cluster are refused too.
 */
export function parseClusterLabels(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  if (text.trim() === '') return result;
  for (const item of text.split(',').map((part) => part.trim())) {
    const [key = '', value, ...rest] = item.split('=').map((part) => part.trim());
    if (value === undefined || rest.length > 0) throw new Error(`"${item}" must have the form key=value`);
    if (!isLabelKey(key)) throw new Error(`"${key}" is not a valid label key`);
    if (!isLabelValue(value)) throw new Error(`"${value}" is not a valid value for label ${key}`);
    if (reserved.includes(key)) throw new Error(`label ${key} is set by Clusternet itself and cannot be given`);
    if (key in result) throw new Error(`label ${key} is given twice`);
    result[key] = value;
  }
  return result;
}
