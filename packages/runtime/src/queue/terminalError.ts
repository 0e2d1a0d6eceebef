// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** An error that trying again cannot cure: a work queue leaves the key alone until its next add. */
export class TerminalError extends Error {
  override name = 'TerminalError';
}
