// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const furtherShard = /^(.*-generic)-\d+$/;

/**
 * Name of the first of the Descriptions that one Base is rendered into: `app-x2x4z-generic` for itself and for
 * `app-x2x4z-generic-2`. All of them share one owner annotation, so that an object may move between them. A Base name
 * ends in a suffix without vowels, hence never in `-generic`.
 */
export function firstShard(description: string): string {
  return furtherShard.exec(description)?.[1] ?? description;
}
