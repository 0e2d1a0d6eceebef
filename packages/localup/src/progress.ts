// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Takes one line of progress: what is going on, for people. */
export type Progress = (line: string) => void;

/** Drops every line. */
export const silent: Progress = () => {};

/** Writes each line to standard error, with the seconds since `startedAt` in front. */
export function progressToStderr(startedAt = Date.now()): Progress {
  return (line) => {
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds}s  ${line}\n`);
  };
}
