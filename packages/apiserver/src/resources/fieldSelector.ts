// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';

/** One requirement of a field selector. */
export interface FieldTerm {
  field: string;
  negated: boolean;
  value: string;
}

/**
 * Reads a field selector as it stands in a query: `metadata.name=a,type!=b`; `\\`, `\,` and `\=` are escapes in values.
 *
 * @throws StatusError 400 with the words of kube-apiserver
 */
export function parseFieldSelector(text: string | undefined): FieldTerm[] {
  if (text === undefined || text === '') return [];
  return split(text)
    .filter((term) => term !== '')
    .map((term) => {
      const found = /^((?:[^\\=!]|\\.)*?)(!=|==|=)((?:[^\\]|\\.)*)$/.exec(term);
      if (!found) throw new StatusError(400, `invalid selector: '${term}'; can't understand '${term}'`);
      const [, field = '', operator, value = ''] = found;
      return { field, negated: operator === '!=', value: unescape(value) };
    });
}

/** The value that every selected object has in a field; undefined when the terms leave several open. */
export function exactValue(terms: readonly FieldTerm[], field: string): string | undefined {
  return terms.find((term) => term.field === field && !term.negated)?.value;
}

/** Whether fields, by name, satisfy all terms; a field that is absent counts as empty. */
export function matchesFields(terms: readonly FieldTerm[], valueOf: (field: string) => string | undefined): boolean {
  return terms.every(({ field, negated, value }) => ((valueOf(field) ?? '') === value) !== negated);
}

function split(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\') {
      term += char + text.charAt(i + 1);
      i += 1;
    } else if (char === ',') {
      terms.push(term);
      term = '';
    } else {
      term += char;
    }
  }
  return [...terms, term];
}

function unescape(value: string): string {
  if (/\\(?![\\,=])/.test(value) || /(?:^|[^\\])(?:\\\\)*[=]/.test(value)) {
    throw new StatusError(400, `invalid selector: invalid field selector: unescaped character in value: ${value}`);
  }
  return value.replaceAll(/\\([\\,=])/g, '$1');
}
