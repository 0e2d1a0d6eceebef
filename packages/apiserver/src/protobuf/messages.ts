// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { kindsTable } from './kinds.ts';

/** What a field of a message holds. */
export interface Held {
  /** Name in JSON; empty when the fields of the message behind it belong to the parent there. */
  name: string;
  form: 'one' | 'list' | 'map';
  /** Whether JSON leaves it out when it is empty. */
  omitsZero: boolean;
  /** Of the items of lists and the values of maps. */
  message: MessageFields | undefined;
  /** How it is read, where it is no message: see `letters.ts`. */
  letter: string;
}

/** The fields of a message by number. */
export interface MessageFields {
  readonly fields: ReadonlyMap<number, Held>;
}

interface Table {
  kinds: Record<string, Record<string, number>>;
  messages: Record<string, string>[];
}

let read: Table | undefined;
const parsed = new Map<number, MessageFields>();

/** The message of a kind; `packages/localup/go/wirenames` made the table of them. */
export function messageOf(apiVersion: string, kind: string): MessageFields | undefined {
  // Options are the same for all groups.
  const version = kind === 'DeleteOptions' ? 'v1' : apiVersion;
  const { kinds } = table();
  const ofVersion = Object.hasOwn(kinds, version) ? kinds[version] : undefined;
  const number = ofVersion && Object.hasOwn(ofVersion, kind) ? ofVersion[kind] : undefined;
  return number === undefined ? undefined : message(number);
}

/** The message of a schema inside of a CRD. */
export function schemaMessage(): MessageFields {
  return message(0);
}

/** Few programs ever need it. */
function table(): Table {
  return (read ??= JSON.parse(kindsTable) as Table);
}

function message(number: number): MessageFields {
  const known = parsed.get(number);
  if (known) return known;
  const fields = new Map<number, Held>();
  const result = { fields };
  parsed.set(number, result);
  for (const [key, text] of Object.entries(table().messages[number] ?? {})) fields.set(Number(key), held(text));
  return result;
}

function held(text: string): Held {
  const [, name = '', zero, form, what = ''] = /^([^:]*):(\??)([[{]?)(.+)$/.exec(text) ?? [];
  const isMessage = /^\d+$/.test(what);
  return {
    name,
    form: form === '[' ? 'list' : form === '{' ? 'map' : 'one',
    omitsZero: zero === '?',
    // Only now: schemas hold schemas.
    get message() {
      return isMessage ? message(Number(what)) : undefined;
    },
    letter: isMessage ? '' : what,
  };
}
