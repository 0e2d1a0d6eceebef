// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** The process as a service sees it, so that tests can run one without being it. */
export interface ProcessHost {
  argv: readonly string[];
  env: Record<string, string | undefined>;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Calls back on each SIGTERM or SIGINT; the returned function ends that. */
  onSignal(handler: (signal: string) => void): () => void;
  /** Calls back on errors that nobody caught; the returned function ends that. */
  onUncaught(handler: (error: unknown, origin: string) => void): () => void;
  /** Ends the process once what was printed is out. */
  exit(code: number): void;
}

const signals = ['SIGTERM', 'SIGINT'] as const;

/** The real process. */
export function realProcess(): ProcessHost {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    onSignal: (handler) => {
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    onUncaught: (handler) => {
      const onRejection = (reason: unknown): void => handler(reason, 'unhandledRejection');
      process.on('unhandledRejection', onRejection);
      process.on('uncaughtException', handler);
      return () => {
        process.off('unhandledRejection', onRejection);
        process.off('uncaughtException', handler);
      };
    },
    exit: (code) => process.exit(code),
  };
}
