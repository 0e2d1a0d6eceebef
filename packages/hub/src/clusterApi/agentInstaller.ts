// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, apiVersionOf, type HelmRelease, type KubeObject, labels, names, resources } from '@clusternet/api-types';
import { core, isForbidden, isUnauthorized, KubeClient } from '@clusternet/client';
import { type HelmEngine, ReleaseWorker } from '@clusternet/deployer';
import { toError } from '@clusternet/runtime';
import { type ChildAccess } from './childKubeconfig.ts';

/** What an agent is installed with. */
export interface AgentInstallation {
  access: ChildAccess;
  /** Id that the cluster is to register with. */
  clusterId: string;
  /** Values of the agent's chart. */
  values: Record<string, unknown>;
  /** Makes a token to register with; asked only where one is needed. */
  token?: () => Promise<string>;
}

/** Why there is no agent, as one word, and a sentence. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Where the agent's chart comes from, and what the agent is told of its parent. */
export interface AgentInstallerOptions {
  helm: HelmEngine;
  chart: { repo: string; version: string };
  parentUrl: string;
  parentCaPem: () => string | undefined;
  now: () => Date;
}

/** Brings the agent into a child. */
export interface AgentInstaller {
  /** @throws InstallError */
  install(o: AgentInstallation, signal: AbortSignal): Promise<void>;
}

/** Name of the Secret that the agent finds its parent by. */
export const parentSecret = 'clusternet-agent-parent';
const owner = 'cluster-api';
const fieldManager = 'clusternet-hub';

/** Installs the agent's chart with helm, by the child's own admin credential. May be repeated at any time. */
export class HelmAgentInstaller implements AgentInstaller {
  readonly #o: AgentInstallerOptions;

  constructor(options: AgentInstallerOptions) {
    this.#o = options;
  }

  async install(o: AgentInstallation, signal: AbortSignal): Promise<void> {
    const { token: ownToken, ...rest } = o.access;
    await using child = KubeClient.fromOptions({
      ...rest,
      ...(ownToken === undefined ? {} : { token: ownToken }),
      userAgent: names.hub,
    });
    await reach(child, signal);
    await refuseStranger(child, signal);
    await child
      .resource<KubeObject>(core.namespaces)
      .apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: names.systemNamespace } }, { fieldManager, signal });
    await this.#identify(child, o.clusterId, signal);
    if (o.token) await this.#introduce(child, await o.token(), signal);
    await this.#release(child, o, signal);
  }

  /** One Cluster object is one registration, whatever happens to the agent: its id is that of the object. */
  async #identify(child: KubeClient, clusterId: string, signal: AbortSignal): Promise<void> {
    const metadata = {
      name: names.agent,
      namespace: names.systemNamespace,
      annotations: { [annotations.legacyClusterId]: clusterId },
    };
    await child
      .resource<KubeObject>(core.leases)
      .apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata }, { fieldManager, force: true, signal });
  }

  async #introduce(child: KubeClient, token: string, signal: AbortSignal): Promise<void> {
    const { parentUrl } = this.#o;
    const parentCaPem = this.#o.parentCaPem();
    const texts = { parentURL: parentUrl, regToken: token, ...(parentCaPem === undefined ? {} : { parentCA: parentCaPem }) };
    const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
    const metadata = { name: parentSecret, namespace: names.systemNamespace };
    await child.resource<KubeObject>(core.secrets).apply(
      { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data },
      {
        fieldManager,
        force: true,
        signal,
      },
    );
  }

  async #release(child: KubeClient, { access, values }: AgentInstallation, signal: AbortSignal): Promise<void> {
    const { helm, chart, now, parentCaPem } = this.#o;
    const all = { ...values, existingSecret: parentSecret, parentCAFromSecret: parentCaPem() !== undefined };
    const release: HelmRelease = {
      apiVersion: apiVersionOf(resources.helmReleases),
      kind: resources.helmReleases.kind,
      metadata: { name: names.agent, namespace: owner },
      spec: {
        ...chart,
        chart: names.agent,
        releaseName: names.agent,
        targetNamespace: names.systemNamespace,
        overrides: Buffer.from(JSON.stringify(all)).toString('base64'),
      },
    };
    const worker = new ReleaseWorker({
      child,
      access,
      ...helm,
      credentials: async () => undefined,
      namespace: owner,
      isOther: () => false,
      onBegin: () => undefined,
      now,
    });
    const { problem } = await worker.bring(release, signal);
    if (problem) throw new InstallError('AgentNotInstalled', `the agent could not be installed: ${problem.message}`);
  }
}

async function reach(child: KubeClient, signal: AbortSignal): Promise<void> {
  try {
    await child.request({ method: 'GET', path: '/api', signal, timeoutMs: 10_000 });
  } catch (error) {
    signal.throwIfAborted();
    if (isUnauthorized(error) || isForbidden(error)) {
      throw new InstallError('KubeconfigRefused', 'the cluster does not take the credential of its kubeconfig Secret', {
        cause: error,
      });
    }
    const message = `the cluster cannot be reached at ${child.server}: ${toError(error).message}`;
    throw new InstallError('ClusterUnreachable', message, { cause: error });
  }
}

/** An agent that a person installed is theirs. */
async function refuseStranger(child: KubeClient, signal: AbortSignal): Promise<void> {
  const { items } = await child.resource<KubeObject>(core.secrets).list({
    namespace: names.systemNamespace,
    labelSelector: `owner=helm,name=${names.agent},!${labels.releaseOwner}`,
    limit: 1,
    signal,
  });
  if (items.length === 0) return;
  throw new InstallError(
    'AgentInstalledByOthers',
    `release ${names.agent} in namespace ${names.systemNamespace} of the cluster was installed by somebody else and is left alone; uninstall it there to ` +
      'have this cluster registered from here',
  );
}
