// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from '@clusternet/runtime';

/** What the predictor did, as numbers. One for the life of the process. */
export class PredictorMetrics {
  readonly #seconds;

  constructor(metrics: Metrics) {
    this.#seconds = metrics.histogram({
      name: 'clusternet_agent_prediction_seconds',
      help: 'Time that answers of the predictor took, by their HTTP code.',
      labelNames: ['code'],
    });
  }

  answered({ code, seconds }: { code: number; seconds: number }): void {
    this.#seconds.observe({ code: String(code) }, seconds);
  }
}
