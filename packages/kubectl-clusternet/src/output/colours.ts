// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Puts a colour on text. */
export type Paint = (text: string) => string;

/** Paints text, or leaves it as it is. */
export interface Colours {
  good: Paint;
  bad: Paint;
  waiting: Paint;
  faint: Paint;
}

/** Colours for a terminal, unless `NO_COLOR` is set; none for anything else. */
export function coloursFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Colours {
  const on = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const paint =
    (code: number): Paint =>
    (text) =>
      on && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { good: paint(32), bad: paint(31), waiting: paint(33), faint: paint(2) };
}
