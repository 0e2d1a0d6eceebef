// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type EventRecorder, type Logger, type NewEvent } from '@clusternet/runtime';
import { type RegistrationFault } from './fault.ts';

/** Tells the operator how the registration goes: once per change, however often a step is repeated. */
export class RegistrationReporter {
  readonly #logger: Logger;
  readonly #recorder: Pick<EventRecorder, 'event'>;
  #last = '';
  #subject: KubeObject | undefined;

  constructor(logger: Logger, recorder: Pick<EventRecorder, 'event'>) {
    this.#logger = logger;
    this.#recorder = recorder;
  }

  /** Object in the child on which Events are shown: the agent's Lease. */
  about(subject: KubeObject): void {
    this.#subject = subject;
  }

  /** Something failed and is tried again after `retryInMs`. */
  fault(fault: RegistrationFault, retryInMs: number): void {
    const fields = { reason: fault.reason, error: fault.message, retryInSeconds: Math.round(retryInMs / 1000) };
    if (!this.#isNew(fault.message)) {
      this.#logger.debug('cluster is still not registered', fields);
      return;
    }
    this.#logger.warn('cluster is not registered', fields);
    this.event({ type: 'Warning', reason: fault.reason, message: fault.message });
  }

  /** The parent has not decided yet. */
  pending(message: string): void {
    if (!this.#isNew(message)) return;
    this.#logger.info('registration request is pending', { parentMessage: message });
    this.event({ type: 'Normal', reason: 'RegistrationPending', message });
  }

  /** A remark that does not stop the registration. */
  note(reason: string, message: string): void {
    this.#logger.warn('registration needs attention', { reason, detail: message });
    this.event({ type: 'Warning', reason, message });
  }

  /** The cluster is registered. */
  registered(fields: Record<string, unknown>): void {
    this.#last = '';
    this.#logger.info('cluster is registered', fields);
    this.event({ type: 'Normal', reason: 'Registered', message: 'the cluster is registered with its parent' });
  }

  /** What was wrong is over. */
  settled(): void {
    if (this.#last === '') return;
    this.#logger.info('connection to the parent works again', { after: this.#last });
    this.#last = '';
  }

  /** The parent has let the cluster go. */
  deregistered(message: string): void {
    this.#last = message;
    this.#logger.warn('cluster was deregistered', { detail: message });
    this.event({ type: 'Warning', reason: 'Deregistered', message });
  }

  /** Shows an Event of something else that concerns the parent at the same place. */
  event({ type, reason, message }: NewEvent): void {
    if (this.#subject) this.#recorder.event(this.#subject, { type, reason, message });
  }

  #isNew(message: string): boolean {
    const changed = message !== this.#last;
    this.#last = message;
    return changed;
  }
}
