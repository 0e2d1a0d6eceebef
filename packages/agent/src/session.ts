// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { resources, type ClusterRegistrationRequest, type ManagedCluster } from '@clusternet/api-types';
import { core, KubeClient } from '@clusternet/client';
import { type HelmEngine } from '@clusternet/deployer';
import { Informer, Stack, type Logger, type Metrics } from '@clusternet/runtime';
import { DeployController } from './deploying/deployController.ts';
import { type AgentOptions } from './options.ts';
import { Predictor } from './predictor/predictor.ts';
import { type PredictorMetrics } from './predictor/predictorMetrics.ts';
import { isBuiltIn, predictorEndpoints, reportedPredictor } from './predictor/reported.ts';
import { CredentialKeeper, type CredentialKeeperOptions, type SessionEnd } from './registration/credentialKeeper.ts';
import { type ReportedTrust } from './status/collect.ts';
import { Heartbeat } from './status/heartbeat.ts';
import { summarizeNode, type NodeSummary } from './status/nodes.ts';
import { StatusReporter } from './status/statusReporter.ts';
import { AgentTunnel } from './tunnel/agentTunnel.ts';
import { Dialer } from './tunnel/dialer.ts';
import { type TunnelMetrics } from './tunnel/tunnelMetrics.ts';
import { TunnelReporter } from './tunnel/tunnelReporter.ts';
import { VisitorController } from './visitors/visitorController.ts';

/** What a session needs besides a registration. */
export interface SessionOptions extends Omit<CredentialKeeperOptions, 'fetch' | 'parentUrl' | 'onRenewed'> {
  child: KubeClient;
  helm: HelmEngine;
  options: AgentOptions;
  /** Namespace of the agent in the child. */
  systemNamespace: string;
  agentVersion: string;
  qps: number;
  burst: number;
  metrics: Metrics;
  tunnelMetrics: TunnelMetrics;
  predictorMetrics: PredictorMetrics;
  logger: Logger;
}

/**
 * Everything that a registered cluster does with one connection to its parent: keeps the credential, reports the status, deploys, holds the tunnel.
 * Nothing of it is left when this returns.
 */
export async function runSession(o: SessionOptions, signal: AbortSignal): Promise<SessionEnd> {
  const { child, metrics, options, registration } = o;
  const { stored, requestName } = registration;
  const { identity, clusterName, credential } = stored;
  const logger = o.logger.child({ cluster: clusterName });
  const stack = new Stack();
  try {
    const keeper: CredentialKeeper = new CredentialKeeper({
      ...o,
      logger,
      parentUrl: options.parent.url,
      onRenewed: () => tunnel?.credentialRenewed(),
      fetch: (name) => parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).find({ name }),
    });
    const parent = stack.use(
      KubeClient.fromOptions({
        server: options.parent.url,
        caPem: keeper.ca,
        token: keeper.token,
        qps: o.qps,
        burst: o.burst,
        userAgent: 'clusternet-agent',
      }),
    );
    metrics.observeClient(parent, 'parent');
    const observe = parent.onRequest;
    parent.onRequest = (info) => {
      observe?.(info);
      if (info.code === 401) keeper.poke();
    };
    const clusters = stack.use(
      new Informer<ManagedCluster>({
        client: parent,
        resource: resources.managedClusters,
        namespace: credential.namespace,
        logger,
        metrics,
      }),
    );
    const managedCluster = () => clusters.list().find((cluster) => cluster.spec.clusterId === identity.clusterId);

    const nodes = stack.use(
      new Informer<NodeSummary>({
        client: child,
        resource: core.nodes,
        transform: (node) =>
          summarizeNode(node, { labelPrefixes: options.nodeLabels.prefixes, predictions: isBuiltIn(options.predictor) }),
        logger,
        metrics,
      }),
    );
    nodes.start();
    const predictor = isBuiltIn(options.predictor)
      ? stack.use(
          new Predictor({
            child,
            nodes,
            clusterId: identity.clusterId,
            port: options.predictor.port,
            logger,
            metrics,
            predictorMetrics: o.predictorMetrics,
            signal,
          }),
        )
      : undefined;
    const predictorStatus = await reportedPredictor(options.predictor, predictor);

    const heartbeat = stack.use(
      new Heartbeat({
        parent,
        namespace: credential.namespace,
        clusterId: identity.clusterId,
        everyMs: options.heartbeatFrequencyMs,
        now: () => o.clock.now(),
        onChange: () => status.wake(),
        onDistrust: keeper.poke,
        onParentCa: keeper.parentCa,
        signal,
        logger,
      }),
    );
    await heartbeat.start();
    const status: StatusReporter = stack.use(
      new StatusReporter({
        child,
        parent,
        nodes,
        nodeLabels: options.nodeLabels,
        managedCluster,
        fixed: {
          agentVersion: o.agentVersion,
          apiserverURL: child.server,
          appPusher: options.appPusher,
          useSocket: options.socketConnection,
          kubeQPS: o.qps,
          kubeBurst: o.burst,
          heartbeatFrequencySeconds: Math.max(1, Math.round(options.updateFrequencyMs / 1000)),
          ...predictorStatus,
        },
        trust: () => (options.socketConnection ? trustOf(child, options.tlsServerName) : {}),
        cidrs: {
          ...(options.clusterCidr ? { clusterCIDR: options.clusterCidr } : {}),
          ...(options.serviceCidr ? { serviceCIDR: options.serviceCidr } : {}),
        },
        collectMs: options.collectFrequencyMs,
        heartbeatMs: options.updateFrequencyMs,
        leasedEverySeconds: () => (heartbeat.counts ? Math.max(1, Math.round(options.heartbeatFrequencyMs / 1000)) : undefined),
        useMetricsServer: options.useMetricsServer,
        now: () => o.clock.now(),
        signal,
        logger,
      }),
    );
    const deploy = stack.use(
      new DeployController({
        child,
        helm: o.helm,
        parent,
        clusterId: identity.clusterId,
        clusterName,
        namespace: credential.namespace,
        requestName,
        systemNamespace: o.systemNamespace,
        managedCluster,
        advertiseUrl: options.advertiseUrl,
        recovery: options.recovery,
        qps: o.qps,
        burst: o.burst,
        now: o.now,
        signal,
        logger,
        metrics,
      }),
    );
    const visitors = stack.use(
      new VisitorController({
        child,
        parent,
        clusterId: identity.clusterId,
        namespace: credential.namespace,
        systemNamespace: o.systemNamespace,
        enabled: options.visitors,
        now: o.now,
        signal,
        logger,
        metrics,
      }),
    );
    // Comes last, and so ends first.
    const tunnel = options.socketConnection
      ? stack.use(
          new AgentTunnel({
            parentUrl: options.parent.url,
            clusterId: identity.clusterId,
            token: keeper.token,
            ca: keeper.ca,
            onDistrust: keeper.poke,
            dialer: new Dialer({
              apiServer: child.server,
              allow: options.tunnelAllow,
              known: predictorEndpoints(predictorStatus),
            }),
            signal,
            logStreams: options.tunnelLogging,
            timing: { backoff: { initialMs: options.tunnelReconnectMaxMs / 10, maxMs: options.tunnelReconnectMaxMs } },
            reporter: new TunnelReporter(logger, (event) => o.reporter.event(event)),
            metrics: o.tunnelMetrics,
            logger,
          }),
        )
      : undefined;
    clusters.onChange(({ type, object }) => {
      if (type === 'deleted') {
        logger.warn('the ManagedCluster of this cluster was deleted: waiting for the parent to make it anew');
        keeper.poke();
        return;
      }
      if (object.spec.clusterId !== identity.clusterId) return;
      status.changed(object);
      deploy.changed();
    });
    stack.use(
      child.onCaChange(() => {
        logger.info('the CA of this cluster changed: telling the parent');
        status.wake();
        deploy.changed();
        visitors.changed();
      }),
    );
    clusters.start();
    status.start();
    deploy.start();
    visitors.start();
    tunnel?.start();
    return await keeper.run(signal);
  } finally {
    await stack.close();
  }
}

function trustOf({ caPem }: KubeClient, tlsServerName: string | undefined): ReportedTrust {
  return {
    ...(caPem === undefined ? {} : { apiserverCABundle: Buffer.from(caPem, 'utf8').toString('base64') }),
    ...(tlsServerName === undefined ? {} : { apiserverTLSServerName: tlsServerName }),
  };
}
