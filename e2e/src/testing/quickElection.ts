// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Flags by which a Lease that was given up is taken at once, for `extraArgs` of the charts. A Lease lasts as long as usual: on a busy machine
 * leaders would lose a shorter one, and with it what they are at.
 */
export const quickElection = { 'leader-elect-retry-period': '500ms' };

/** For agents in tests that wait until a Lease has run out: short, and yet long enough for a busy machine. */
export const shortLease = { ...quickElection, 'leader-elect-lease-duration': '8s', 'leader-elect-renew-deadline': '6s' };
