// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { dnsSubdomain, labelName, labelValue, MAX_LABEL, MAX_SUBDOMAIN } from '@clusternet/api-types';
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
      const first = this.#peek();
      if (!first) return requirements;
      if (!first.word && first.text !== '!') throw refused(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const token = this.#take();
      if (!token) return requirements;
      if (token.text !== ',') throw refused(`found '${token.text}', expected: ',' or 'end of string'`);
      const next = this.#peek();
      if (!next?.word && next?.text !== '!') throw refused(`found '${textOf(next)}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelPredicate {
    const first = this.#take();
    if (first?.text === '!') {
      const key = this.#key(this.#take());
      return (labels) => valueOf(labels, key) === undefined;
    }
    const key = this.#key(first);
    const operator = this.#peek()?.text;
    if (operator === undefined || operator === ',') return (labels) => valueOf(labels, key) !== undefined;
    this.#next += 1;
    switch (operator) {
      case '=':
      case '==': {
        const value = checked(key, this.#value());
        return (labels) => valueOf(labels, key) === value;
      }
      case '!=': {
        const value = checked(key, this.#value());
        return (labels) => valueOf(labels, key) !== value;
      }
      case 'in': {
        const values = this.#values(key);
        return (labels) => values.has(valueOf(labels, key) ?? missing);
      }
      case 'notin': {
        const values = this.#values(key);
        return (labels) => !values.has(valueOf(labels, key) ?? missing);
      }
      case '<':
      case '>':
        return comparison(key, operator, this.#value());
      default:
        throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #key(token: Token | undefined): string {
    if (!token?.word) throw unparsable(`found '${textOf(token)}', expected: identifier`);
    const problem = labelKeyProblem(token.text);
    if (problem !== undefined) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(token.text)}: ${problem}`);
    return token.text;
  }

  /** An empty value is one too: `a=`. */
  #value(): string {
    const token = this.#peek();
    if (!token || token.text === ',') return '';
    if (!token.word) throw unparsable(`found '${token.text}', expected: identifier`);
    this.#next += 1;
    return token.text;
  }

  /** Between parentheses; what is left out between commas is the empty value. */
  #values(key: string): Set<string> {
    const open = this.#take();
    if (open?.text !== '(') throw unparsable(`found '${textOf(open)}' expected: '('`);
    const first = this.#peek();
    if (!first?.word && first?.text !== ',' && first?.text !== ')')
      throw unparsable(`found '${textOf(first)}', expected: ',', ')' or identifier`);
    const values = new Set<string>();
    for (;;) {
      const token = this.#peek();
      if (token?.word) this.#next += 1;
      else if (token?.text !== ',' && token?.text !== ')') {
        throw unparsable(`found '${textOf(token)}', expected: ',', or identifier`);
      }
      values.add(checked(key, token.word ? token.text : ''));
      const end = this.#take();
      if (end?.text === ')') return values;
      if (end?.text !== ',') throw unparsable(`found '${textOf(end)}', expected: ',' or ')'`);
    }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token | undefined {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }
}

function textOf(token: Token | undefined): string {
  return token?.text ?? '';
}

/** @throws StatusError for what can be no label's value */
function checked(key: string, value: string): string {
  const problem =
    value.length > MAX_LABEL
      ? 'must be no more than 63 bytes'
      : labelValue.test(value)
        ? undefined
        : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
          "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
          "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  if (problem === undefined) return value;
  throw unparsable(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
}

/** No label has this value. */
const missing = '\u0000';

function comparison(key: string, operator: '<' | '>', text: string): LabelPredicate {
  if (!/^-?\d+$/.test(text)) {
    throw unparsable(`values[0]: Invalid value: "${text}": for 'Gt', 'Lt' operators, the value must be an integer`);
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

const nameRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or " +
  "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** What is wrong with a label key; undefined for a good one. */
function labelKeyProblem(key: string): string | undefined {
  const [name = '', prefix, ...more] = key.split('/').toReversed();
  if (more.length > 0)
    return `a valid label key ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  const problems: string[] = [];
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined && prefix.length > MAX_SUBDOMAIN) problems.push('prefix part must be no more than 253 bytes');
  else if (prefix !== undefined && !dnsSubdomain.test(prefix)) {
    problems.push(
      "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
        "with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > MAX_LABEL) problems.push('name part must be no more than 63 bytes');
  if (!labelName.test(name)) problems.push(`name part ${nameRule}`);
  return problems.length === 0 ? undefined : problems.join('; ');
}

function unparsable(what: string): StatusError {
  return refused(`unable to parse requirement: ${what}`);
}

function refused(message: string): StatusError {
  return new StatusError(400, message);
}
