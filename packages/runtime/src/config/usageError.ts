// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** The command line, the environment or the configuration file is wrong; the message says what and how to put it right. */
export class UsageError extends Error {
  override name = 'UsageError';
}
