// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Outcomes of a plugin, by the names of the Kubernetes scheduling framework. */
export type StatusCode = 'Success' | 'Error' | 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Wait' | 'Skip';

/**
 * What a plugin says. A plain object, so that plugins of other packages need nothing of this one at run time; `undefined` stands for
 * success.
 */
export interface Status {
  code: StatusCode;
  /** Each in the words of `3 <reason>`, such as "had untolerated taint {gpu: yes}". */
  reasons?: readonly string[];
  /** The answer may change after this time without anything else changing. */
  recheckAfterMs?: number;
  /** Filter: the cluster may keep the replicas that it has and takes no more. */
  frozen?: boolean;
  /** Predict with `Wait`: settles when asking again has a point. */
  until?: Promise<unknown>;
}

/** A status of this code with one reason. */
export function status(code: StatusCode, reason?: string): Status {
  return reason === undefined ? { code } : { code, reasons: [reason] };
}

/** A cluster, or a whole Subscription, that cannot be placed as things are. */
export function unschedulable(reason: string): Status {
  return status('Unschedulable', reason);
}

/** Whether a plugin has no objection. */
export function isSuccess(result: Status | undefined | void): boolean {
  return result === undefined || result.code === 'Success';
}
