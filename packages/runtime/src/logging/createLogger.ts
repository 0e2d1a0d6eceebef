// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import winston from 'winston';
import { type LogFields, type Logger, logLevels, type LogLevel } from './logger.ts';
import { redact, redactText } from './redact.ts';
import { formatText } from './textFormat.ts';

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Component that speaks, e.g. `hub`. */
  name: string;
  /** Least important level that is written; default `info`. */
  level?: LogLevel;
  /** `text` for people (the default), `json` for collectors. */
  format?: 'json' | 'text';
  /** Default: standard output. */
  stream?: NodeJS.WritableStream;
}

/** A logger whose every value passes the redaction before it leaves the process. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', format = 'text', stream = process.stdout } = options;
  const sink = winston.createLogger({
    level,
    levels: Object.fromEntries(logLevels.map((entry, index) => [entry, index])),
    format: winston.format.printf((info) => render(info as unknown as Line, { name, format, stacks: level === 'debug' })),
    transports: [new winston.transports.Stream({ stream })],
  });
  // Each part of a service may listen on the shared sink; that is no leak.
  sink.setMaxListeners(0);
  return new WinstonLogger(sink, logLevels.indexOf(level), {});
}

interface Line {
  level: LogLevel;
  message: string;
  time: string;
  fields: LogFields;
}

function render(line: Line, o: { name: string; format: 'json' | 'text'; stacks: boolean }): string {
  const { name, format, stacks } = o;
  if (format === 'text') return formatText({ ...line, name }, { stacks });
  // Own keys last: a field called `level` must not disguise the line.
  return JSON.stringify({ ...line.fields, time: line.time, level: line.level, logger: name, message: line.message });
}

class WinstonLogger implements Logger {
  readonly #sink: winston.Logger;
  readonly #threshold: number;
  readonly #fields: LogFields;

  constructor(sink: winston.Logger, threshold: number, fields: LogFields) {
    this.#sink = sink;
    this.#threshold = threshold;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#threshold >= 3) this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#threshold >= 2) this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#threshold >= 1) this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new WinstonLogger(this.#sink, this.#threshold, { ...this.#fields, ...fields });
  }

  isEnabled(level: LogLevel): boolean {
    return logLevels.indexOf(level) <= this.#threshold;
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.#sink.log({
      level,
      message: redactText(message),
      time: new Date().toISOString(),
      fields: redact({ ...this.#fields, ...fields }),
    });
  }
}
