// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A log line before it becomes text. */
export interface TextLine {
  time: string;
  level: string;
  name: string;
  message: string;
  fields: Record<string, unknown>;
}

/** These mean a mistake in our code: of no use without the place, whatever the level. */
const programmingErrors = new Set(['TypeError', 'ReferenceError', 'SyntaxError', 'RangeError']);

/**
 * One line for people: time, level, component, message, then `key=value` pairs.
 *
 * @param options - `stacks`: adds the stack of every error, not only of programming errors
 */
export function formatText(line: TextLine, options: { stacks: boolean }): string {
  let text = `${line.time} ${line.level.toUpperCase().padEnd(5)} ${line.name}: ${line.message}`;
  let stack: string | undefined;
  for (const [key, value] of Object.entries(line.fields)) {
    if (value === undefined) continue;
    text += ` ${key}=${formatValue(value)}`;
    if (isErrorLike(value) && (options.stacks || programmingErrors.has(value.name))) stack ??= value.stack;
  }
  const frames = stack?.split('\n').filter((frame) => frame.startsWith('    at ')) ?? [];
  return [text, ...frames].join('\n');
}

interface ErrorLike {
  name: string;
  message: string;
  stack?: string;
  cause?: unknown;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' && value !== null && 'message' in value && 'name' in value && typeof value.message === 'string'
  );
}

function formatValue(value: unknown): string {
  if (isErrorLike(value)) return JSON.stringify(describeError(value));
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** The messages of an error and its causes on one line, none said twice. */
function describeError(error: ErrorLike): string {
  let text = error.message === '' ? error.name : error.message;
  for (let cause = error.cause; isErrorLike(cause); cause = cause.cause) {
    if (!text.includes(cause.message)) text += `: ${cause.message}`;
  }
  return text;
}
