// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Ends the command with a message for the user and an exit code; any other error is a defect or comes from a cluster. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number;

  constructor(message: string, o: { exitCode?: number; cause?: unknown } = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.exitCode = o.exitCode ?? 1;
  }
}

/** The command line cannot be understood. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
}

/** What to say of an API server that does not know a group of Clusternet's kinds. */
export function notServed(server: string, group: string): string {
  return (
    `${server} does not serve ${group}: the hub of Clusternet is not installed there, or the context of your kubeconfig is not the parent's.\n` +
    'To choose the parent: "kubectl config get-contexts", then --context NAME. To see what is there: "kubectl clusternet doctor".\n' +
    'To install: helm install clusternet-hub charts/clusternet-hub -n clusternet-system --create-namespace'
  );
}

/** The error as kubectl would print it, on one or more lines, without a stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const { reason, status, unserved } = error as {
    reason?: unknown;
    status?: unknown;
    unserved?: { server: string; path: string };
  };
  // An answer of an API server, whichever copy of the class it is.
  if (error.name === 'ApiError' && typeof reason === 'string') {
    const group = /\/apis\/([^/]+\.clusternet\.io)(?:\/|$)/.exec(unserved?.path ?? '')?.[1];
    if (unserved && group !== undefined) return `error: ${notServed(unserved.server, group)}`;
    return status === 401
      ? 'error: You must be logged in to the server: the credentials of the kubeconfig were refused'
      : `Error from server (${reason}): ${error.message}`;
  }
  return `error: ${error.message}`;
}
