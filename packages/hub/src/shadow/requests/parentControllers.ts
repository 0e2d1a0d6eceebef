// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';

/** Controllers of kube-controller-manager that go through every group there is. */
const sweepers = ['namespace-controller', 'generic-garbage-collector', 'resourcequota-controller', 'resource-quota-controller'];

/**
 * Whether a request comes from a controller of the parent that sweeps all groups: to delete what a namespace holds, what has lost its owner,
 * or to count.
 *
 * @remarks
 * For them there are no templates. Nothing of a template lives in the parent, so that a namespace can go without them, and they without it; and
 * each watch of theirs costs next to nothing.
 */
export function isSweeping(request: IncomingMessage): boolean {
  const { name } = request.kube.user;
  if (name === 'system:kube-controller-manager') return true;
  return sweepers.some((sweeper) => name === `system:serviceaccount:kube-system:${sweeper}`);
}
