// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const maxMessage = 1_500;

/** What helm says of a failure: from its last `Error:` on, without what it warned of before. */
export function helmErrorOf(stderr: string): string {
  const text = stderr.trim();
  const at = text.lastIndexOf('\nError: ');
  const message = (at >= 0 ? text.slice(at + 1) : text).replace(/^Error: /, '').trim();
  if (message === '') return 'helm failed without a word';
  return message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message;
}
