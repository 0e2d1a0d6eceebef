// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, type LoggerOptions } from './createLogger.ts';
import { type Logger } from './logger.ts';

function logger(options: Partial<LoggerOptions> = {}): { log: Logger; lines: () => string[] } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { log: createLogger({ name: 'hub', stream, ...options }), lines: () => text.trimEnd().split('\n') };
}

describe('createLogger', () => {
  it('writes a line for people', () => {
    const { log, lines } = logger();
    log.child({ cluster: 'child1' }).info('cluster registered', { name: 'a b', count: 2, nothing: undefined, list: ['x'] });
    expect(lines()[0]).toMatch(/^\S+Z INFO {2}hub: cluster registered cluster=child1 name="a b" count=2 list=\["x"\]$/);
  });

  it('writes JSON whose own keys cannot be replaced by fields', () => {
    const { log, lines } = logger({ format: 'json' });
    log.error('it failed', { level: 'info', message: 'other', error: new Error('why', { cause: new Error('deeper') }) });
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      level: 'error',
      logger: 'hub',
      message: 'it failed',
      error: { name: 'Error', message: 'why', cause: { message: 'deeper' } },
    });
  });

  it('says an error with its causes on one line, with the place only for mistakes of ours', () => {
    const { log, lines } = logger();
    log.error('it failed', { error: new Error('cannot connect', { cause: new Error('refused\nby peer') }) });
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain('error="cannot connect: refused\\nby peer"');
    log.warn('oops', { error: new TypeError('x is undefined') });
    expect(lines()[2]).toMatch(/^ {4}at /);
  });

  it('lets no secret out, in message, fields or children', () => {
    const { log, lines } = logger({ format: 'json' });
    log.child({ token: 'sesame' }).warn('refused abcdef.0123456789abcdef', { headers: { Authorization: 'Bearer sesame' } });
    expect(lines()[0]).not.toMatch(/sesame|0123456789abcdef/);
  });

  it('does nothing for a level that is off', () => {
    const { log, lines } = logger({ level: 'info' });
    const trap = {
      get value(): never {
        throw new Error('was looked at');
      },
    };
    log.debug('quiet', trap);
    expect(log.isEnabled('debug')).toBe(false);
    expect(log.isEnabled('warn')).toBe(true);
    expect(lines()).toEqual(['']);
  });

  it('writes what the level lets through', () => {
    const { log, lines } = logger({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    log.error('yes');
    expect(lines()).toHaveLength(2);
  });
});
