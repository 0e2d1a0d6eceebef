// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type LogFields, type Logger, type LogLevel } from '@clusternet/runtime';

/** One line that was logged. */
export interface LogLine {
  level: LogLevel;
  message: string;
  fields: LogFields;
}

/** A logger that keeps its lines. */
export function collectingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
    isEnabled: () => true,
  };
  return { logger, lines };
}
