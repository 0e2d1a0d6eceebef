// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const maxMessage = 1_500;

/** What helm says of a failure: from its last `Error:` on, without what it warned of before. Of much text the beginning and the end count. */
export function helmErrorOf(stderr: string): string {
  const text = stderr.trim();
  const at = text.lastIndexOf('\nError: ');
  const message = (at >= 0 ? text.slice(at + 1) : text).replace(/^Error: /, '').trim();
  if (message === '') return 'helm failed without a word';
  const parts = message.split(/(?<=error calling \w+: )/);
  // A template that includes itself is told of once for each time.
  const short = parts.filter((part, index) => part !== parts[index - 1]).join('');
  const half = maxMessage / 2;
  return short.length > maxMessage ? `${short.slice(0, half)} … ${short.slice(-half)}` : short;
}
