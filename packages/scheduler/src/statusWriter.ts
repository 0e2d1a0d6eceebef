// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  conditionTypes,
  fieldManagers,
  resources,
  stableStringify,
  type Subscription,
} from '@clusternet/api-types';
import { type KubeClient, objectKey } from '@clusternet/client';
import { type EventRecorder, findCondition, type Logger, setCondition } from '@clusternet/runtime';
import { type Cycle, type TargetClusters } from './framework/plugin.ts';
import { type LatestSubscriptions } from './latestSubscriptions.ts';
import { type Decision } from './placement/decide.ts';
import { type BindingWriter } from './plugins/defaultBinder.ts';

/** What {@link StatusWriter} needs. */
export interface StatusWriterOptions {
  client: Pick<KubeClient, 'resource'>;
  latest: LatestSubscriptions;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  now: () => Date;
}

/** Key of the decision in the state of a cycle, for the binder. */
const DECISION = 'clusternet/decision';

/** Writes decisions into the status of Subscriptions, by server-side apply and only when something differs, and tells of them. */
export class StatusWriter implements BindingWriter {
  readonly #o: StatusWriterOptions;

  constructor(options: StatusWriterOptions) {
    this.#o = options;
  }

  /** Lets the binder know what to write with the targets. */
  static prepare({ state }: Cycle, decision: Decision): void {
    state.write(DECISION, decision);
  }

  async bind({ subscription, state }: Cycle, { bindingClusters, replicas }: TargetClusters): Promise<void> {
    const decision = state.read<Decision>(DECISION);
    if (decision === undefined) throw new Error('nothing was decided');
    await this.write(subscription, { ...decision, bindings: bindingClusters, replicas });
  }

  /** Whether the status of the Subscription says something else than the decision. */
  differs(subscription: Subscription, decision: Decision): boolean {
    const { status } = subscription;
    return (
      this.#condition(subscription, decision).changed ||
      moves(subscription, decision) ||
      status?.specHash !== decision.specHash ||
      status?.desiredReleases !== decision.bindings.length
    );
  }

  async write(subscription: Subscription, decision: Decision): Promise<void> {
    if (!this.differs(subscription, decision)) return;
    const { bindings, replicas, specHash } = decision;
    const { conditions } = this.#condition(subscription, decision);
    // With the UID, a Subscription that was deleted and made anew in the meantime gets no bindings of the old one.
    const { name, namespace, uid } = subscription.metadata;
    const written = await this.#o.client.resource<Subscription>(resources.subscriptions).apply(
      {
        apiVersion: apiVersionOf(resources.subscriptions),
        kind: resources.subscriptions.kind,
        metadata: { name, namespace, uid },
        status: {
          bindingClusters: bindings,
          ...(replicas === undefined ? {} : { replicas }),
          specHash,
          desiredReleases: bindings.length,
          conditions,
        },
      } as Subscription,
      { fieldManager: fieldManagers.scheduler, force: true, subresource: 'status' },
    );
    if (written.metadata.resourceVersion !== undefined) this.#o.latest.wrote(written);
    this.#report(subscription, decision);
  }

  #condition(subscription: Subscription, { scheduled }: Decision): ReturnType<typeof setCondition> {
    const { status, metadata } = subscription;
    const before = findCondition(status?.conditions, conditionTypes.scheduled);
    const condition = { type: conditionTypes.scheduled, ...scheduled, observedGeneration: metadata.generation };
    return setCondition(before === undefined ? [] : [before], condition, this.#o.now());
  }

  #report(subscription: Subscription, decision: Decision): void {
    const { recorder, logger } = this.#o;
    const { bindings, scheduled, leftOut } = decision;
    const key = objectKey(subscription);
    if (moves(subscription, decision)) {
      const message = `bound ${key} to ${bindings.length === 0 ? 'no cluster' : bindings.join(', ')}`;
      recorder.event(subscription, { type: 'Normal', reason: 'Scheduled', message: message.slice(0, 1024) });
      logger.info('subscription bound', { subscription: key, clusters: bindings.length });
    }
    if (scheduled.status === 'False') {
      const plugins = leftOut === undefined ? '' : ` (left out by plugin: ${leftOut})`;
      const message = scheduled.message.slice(0, 1024 - plugins.length) + plugins;
      recorder.event(subscription, { type: 'Warning', reason: 'FailedScheduling', message });
    }
  }
}

function moves({ status }: Subscription, { bindings, replicas }: Decision): boolean {
  return (
    (status?.bindingClusters ?? []).join() !== bindings.join() ||
    stableStringify(status?.replicas ?? {}) !== stableStringify(replicas ?? {})
  );
}
