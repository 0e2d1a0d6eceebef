// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Setting } from './setting.ts';
import { UsageError } from './usageError.ts';

/**
 * The value that a text of the command line or the environment stands for; the schema checks it afterwards.
 *
 * @param origin - how the setting was named there, for the error
 */
export function parseText(setting: Setting, text: string, origin: string): unknown {
  switch (setting.kind) {
    case 'boolean':
      return parseBoolean(text, origin);
    case 'number':
      return parseNumber(text, origin);
    case 'list':
      return [text];
    case 'map':
      return parseMap(text, origin);
    case 'string':
      return text;
  }
}

function parseBoolean(text: string, origin: string): boolean {
  // The spellings that Go's flag parser takes.
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  throw new UsageError(`${origin} must be true or false, not ${JSON.stringify(text)}`);
}

function parseNumber(text: string, origin: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new UsageError(`${origin} must be a number, not ${JSON.stringify(text)}`);
}

function parseMap(text: string, origin: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const [key = '', ...value] = pair.split('=');
    if (value.length !== 1 || key.trim() === '') throw new UsageError(`${origin} must be written as key=value,key=value`);
    result[key.trim()] = (value[0] ?? '').trim();
  }
  return result;
}
