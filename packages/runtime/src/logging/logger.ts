// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Levels from the most to the least important. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Key/values of a log line. Well-known keys: `cluster`, `namespace`, `name`, `subscription`, `key`, `reconcileID`, `error`. */
export type LogFields = Record<string, unknown>;

/**
 * How all our code logs: a constant lower-case message plus key/values. Values pass the redaction, so a token that gets
 * into them does not get out; still, do not put one in.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
  /** Ask before building expensive fields on hot paths. */
  isEnabled(level: LogLevel): boolean;
}

/** Logs nothing; for tests and libraries used without a service. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
  isEnabled: () => false,
};
