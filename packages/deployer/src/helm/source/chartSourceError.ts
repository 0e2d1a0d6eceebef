// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Why a chart cannot be had. */
export type ChartProblem =
  /** The repository answers, and does not have it. */
  | 'NotFound'
  /** The repository wants other credentials. */
  | 'Unauthorized'
  /** The repository does not answer, or not properly; usually passes by itself. */
  | 'Unavailable'
  /** What was asked for, or what came back, can never do. */
  | 'Invalid';

/** A chart cannot be had from its repository. The message is for users and holds no credentials. */
export class ChartSourceError extends Error {
  readonly problem: ChartProblem;

  constructor(problem: ChartProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChartSourceError';
    this.problem = problem;
  }
}
