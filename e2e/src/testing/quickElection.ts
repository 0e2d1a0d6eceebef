// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Flags by which another replica leads within seconds, for `extraArgs` of the charts. */
export const quickElection = {
  'leader-elect-lease-duration': '4s',
  'leader-elect-renew-deadline': '3s',
  'leader-elect-retry-period': '500ms',
};
