// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Logger, type NewEvent } from '@clusternet/runtime';
import { type TunnelFault } from './tunnelFault.ts';

/** Tells the operator how the tunnel does: once per change, however often it is tried. */
export class TunnelReporter {
  readonly #logger: Logger;
  readonly #event: (event: NewEvent) => void;
  #last: string | undefined;

  /** @param event - shows an Event where the operator of this cluster looks */
  constructor(logger: Logger, event: (event: NewEvent) => void) {
    this.#logger = logger;
    this.#event = event;
  }

  up(fields: { id: string; attempts: number }): void {
    if (!this.#isNew('up')) return;
    this.#logger.info('tunnel to the parent is up', fields);
    this.#event({ type: 'Normal', reason: 'TunnelEstablished', message: 'the tunnel to the parent is up' });
  }

  down({ reason, message }: TunnelFault): void {
    if (!this.#isNew(reason)) {
      this.#logger.debug('tunnel to the parent is still down', { reason, error: message });
      return;
    }
    this.#logger.warn('tunnel to the parent is down', { reason, error: message });
    this.#event({ type: 'Warning', reason, message });
  }

  #isNew(state: string): boolean {
    const changed = state !== this.#last;
    this.#last = state;
    return changed;
  }
}
