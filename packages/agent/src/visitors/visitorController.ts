// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { fieldManagers, names } from '@clusternet/api-types';
import { core, isForbidden, isNotFound, type KubeClient } from '@clusternet/client';
import { WorkQueue, type Logger, type Metrics } from '@clusternet/runtime';
import { childCredentialSecret, isOwnSecret, isSameCredential, type CredentialSecret } from '../childCredential.ts';
import { ServiceAccountTokens, type IssuedToken } from '../serviceAccountTokens.ts';

/** ServiceAccount in the child that may impersonate, and nothing else; the chart makes it together with that right. */
export const visitorAccount = 'clusternet-visitor';

/** What a {@link VisitorController} works with. */
export interface VisitorControllerOptions {
  child: Pick<KubeClient, 'request' | 'resource' | 'server' | 'caPem'>;
  parent: Pick<KubeClient, 'resource'>;
  clusterId: string;
  /** Dedicated namespace in the parent. */
  namespace: string;
  /** Namespace of the agent in the child. */
  systemNamespace: string;
  /** Whether this cluster consents. */
  enabled: boolean;
  now: () => Date;
  /** The leadership under which it acts. */
  signal: AbortSignal;
  logger: Logger;
  metrics?: Metrics;
}

const tokenLifeSeconds = 3_600;
const recheckMs = 300_000;
const key = 'visitors';

/**
 * Lends the parent the right to act here in the name of its users, as far as this cluster consents, and takes it back when it does
 * not any more.
 *
 * @remarks The agent itself can never impersonate: it may only ask for tokens of the ServiceAccount that can. Uninstalling that
 * ServiceAccount ends every token at once, whatever the parent holds.
 */
export class VisitorController {
  readonly #o: VisitorControllerOptions;
  readonly #tokens: ServiceAccountTokens;
  readonly #queue: WorkQueue;
  #lent: IssuedToken | undefined;

  constructor(options: VisitorControllerOptions) {
    this.#o = options;
    const { child, now, systemNamespace } = options;
    this.#tokens = new ServiceAccountTokens({ child, namespace: systemNamespace, name: visitorAccount, now });
    this.#queue = new WorkQueue({
      name: 'agent-visitors',
      reconcile: () => (options.enabled ? this.#lend() : this.#takeBack()),
      signal: options.signal,
      logger: options.logger,
      ...(options.metrics ? { metrics: options.metrics } : {}),
    });
  }

  /** Starts to bring the parent to what this cluster consents to. */
  start(): void {
    this.#queue.start();
    this.#queue.add(key);
  }

  /** The CA of the child changed. */
  changed(): void {
    this.#queue.add(key);
  }

  /** Stops; what is lent stays with the parent until it expires, so that a new leader goes on without a gap. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  async #lend(): Promise<{ requeueAfterMs: number }> {
    const { child, clusterId, logger, namespace, now } = this.#o;
    const existing = await this.#secrets.find(this.#ref);
    if (existing && !isOwnSecret(existing)) return { requeueAfterMs: recheckMs };
    if (!this.#lent || now() >= this.#lent.renewAt) this.#lent = await this.#issue();
    const { token, renewAt } = this.#lent;
    const wanted = childCredentialSecret({
      name: names.childClusterVisitor,
      clusterId,
      namespace,
      url: child.server,
      caPem: child.caPem,
      token,
    });
    if (!existing || !isSameCredential(existing, wanted)) {
      await this.#secrets.apply(wanted, { fieldManager: fieldManagers.agent, force: true });
      if (!existing) logger.info('users of the parent may visit this cluster as themselves', { namespace });
    }
    return { requeueAfterMs: Math.max(1_000, Math.min(recheckMs, renewAt.getTime() - now().getTime())) };
  }

  async #issue(): Promise<IssuedToken> {
    try {
      return await this.#tokens.issue(tokenLifeSeconds);
    } catch (error) {
      if (!isNotFound(error) && !isForbidden(error)) throw error;
      throw new Error(
        `visitors need ServiceAccount ${visitorAccount}, and the agent the right to get its tokens: install the chart with visitors.enabled`,
        { cause: error },
      );
    }
  }

  async #takeBack(): Promise<void> {
    let existing: CredentialSecret | undefined;
    try {
      existing = await this.#secrets.find(this.#ref);
    } catch (error) {
      // A parent that does not let its children see that Secret has no use for it either.
      if (isForbidden(error)) return;
      throw error;
    }
    if (!existing || !isOwnSecret(existing)) return;
    await this.#secrets.delete(this.#ref, { preconditions: { uid: existing.metadata.uid } });
    this.#o.logger.info('users of the parent may not visit this cluster as themselves any more', {
      namespace: this.#o.namespace,
    });
  }

  get #ref() {
    return { namespace: this.#o.namespace, name: names.childClusterVisitor };
  }

  get #secrets() {
    return this.#o.parent.resource<CredentialSecret>(core.secrets);
  }
}
