// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';

/** Tells whether labels are selected. */
export type LabelPredicate = (labels: Record<string, string> | undefined) => boolean;

interface Token {
  text: string;
  word: boolean;
}

/**
 * Reads a label selector as it stands in a query: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
 *
 * @returns undefined for one that selects everything
 * @throws StatusError 400 with the words of kube-apiserver
 */
export function parseLabelSelector(text: string | undefined): LabelPredicate | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const parser = new Parser(tokens(text));
  const requirements = parser.selector();
  return (labels) => requirements.every((requirement) => requirement(labels));
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [token] of text.matchAll(/[!=<>(),]|[^\s!=<>(),]+/g)) {
    const last = found.at(-1);
    // `==` and `!=` are one token each.
    if (token === '=' && (last?.text === '=' || last?.text === '!') && !last.word) last.text += '=';
    else found.push({ text: token, word: !/^[!=<>(),]$/.test(token) });
  }
  return found;
}

class Parser {
  readonly #tokens: Token[];
  #next = 0;

  constructor(list: Token[]) {
    this.#tokens = list;
  }

  selector(): LabelPredicate[] {
    const requirements: LabelPredicate[] = [];
    for (;;) {
      requirements.push(this.#requirement());
      const token = this.#take();
      if (!token) return requirements;
      if (token.text !== ',') throw unparsable(`found '${token.text}' expected: ',' or 'end of string'`);
    }
  }

  #requirement(): LabelPredicate {
    const first = this.#take();
    if (first?.text === '!') {
      const key = this.#key(this.#take());
      return (labels) => valueOf(labels, key) === undefined;
    }
    const key = this.#key(first);
    const operator = this.#tokens[this.#next]?.text;
    if (operator === undefined || operator === ',') return (labels) => valueOf(labels, key) !== undefined;
    this.#next += 1;
    switch (operator) {
      case '=':
      case '==': {
        const value = this.#value();
        return (labels) => valueOf(labels, key) === value;
      }
      case '!=': {
        const value = this.#value();
        return (labels) => valueOf(labels, key) !== value;
      }
      case 'in': {
        const values = this.#values();
        return (labels) => values.has(valueOf(labels, key) ?? missing);
      }
      case 'notin': {
        const values = this.#values();
        return (labels) => !values.has(valueOf(labels, key) ?? missing);
      }
      case '<':
      case '>':
        return comparison(key, operator, this.#value());
      default:
        throw unparsable(`found '${operator}' expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #key(token: Token | undefined): string {
    if (!token?.word) throw unparsable(`found '${token?.text ?? ''}' expected: !, identifier, or 'end of string'`);
    const problem = labelKeyProblem(token.text);
    if (problem !== undefined)
      throw new StatusError(400, `unable to parse requirement: key: Invalid value: "${token.text}": ${problem}`);
    return token.text;
  }

  /** An empty value is one too: `a=`. */
  #value(): string {
    const token = this.#tokens[this.#next];
    if (!token || token.text === ',' || token.text === ')') return '';
    if (!token.word) throw unparsable(`found '${token.text}' expected: identifier`);
    this.#next += 1;
    return token.text;
  }

  #values(): Set<string> {
    const open = this.#take();
    if (open?.text !== '(') throw unparsable(`found '${open?.text ?? ''}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      values.add(this.#value());
      const token = this.#take();
      if (token?.text === ')') return values;
      if (token?.text !== ',') throw unparsable(`found '${token?.text ?? ''}' expected: ',' or ')'`);
    }
  }

  #take(): Token | undefined {
    const token = this.#tokens[this.#next];
    this.#next += 1;
    return token;
  }
}

/** No label has this value. */
const missing = '\u0000';

function comparison(key: string, operator: '<' | '>', text: string): LabelPredicate {
  if (!/^-?\d+$/.test(text)) {
    throw new StatusError(
      400,
      `unable to parse requirement: values[0][${key}]: Invalid value: "${text}": for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  }
  const bound = BigInt(text);
  return (labels) => {
    const value = valueOf(labels, key);
    if (value === undefined || !/^-?\d+$/.test(value)) return false;
    return operator === '<' ? BigInt(value) < bound : BigInt(value) > bound;
  };
}

function valueOf(labels: Record<string, string> | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** What is wrong with a label key; undefined for a good one. */
function labelKeyProblem(key: string): string | undefined {
  const [name = '', prefix] = key.split('/').toReversed();
  if (key.split('/').length > 2)
    return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'";
  if (prefix !== undefined && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix))
    return 'prefix part a lowercase RFC 1123 subdomain';
  if (name.length > 63) return 'name part must be no more than 63 bytes';
  if (!/^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(name)) {
    return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  }
  return undefined;
}

function unparsable(what: string): StatusError {
  return new StatusError(400, `unable to parse requirement: ${what}`);
}
