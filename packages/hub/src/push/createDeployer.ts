// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description, type HelmRelease } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import { type ChartCredentials, ClusterDeployer, HelmDeployer, type HelmEngine } from '@clusternet/deployer';
import { closeAll, type EventRecorder, type Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { type Streams } from '../sockets/streams.ts';
import { type DeployerFactory } from './pushController.ts';

/** Makes real deployers, each with its own connections to its child. */
export function deployerFactory(o: {
  parent: KubeClient;
  descriptions: Informer<Description>;
  releases: Informer<HelmRelease>;
  helm: HelmEngine;
  /** Credentials for the repository of a release. */
  credentials: (release: HelmRelease) => Promise<ChartCredentials | undefined>;
  recorder: EventRecorder;
  logger: Logger;
  metrics: Metrics;
  /** The leadership under which they act. */
  signal: AbortSignal;
  /** Puts back what is changed or deleted in the child. */
  recovery: boolean;
  userAgent: string;
  /** The way to children that keep a tunnel. */
  streams: Streams;
}): DeployerFactory {
  const { userAgent, streams, descriptions, recovery, releases, helm, credentials, ...shared } = o;
  return ({ access: given, token, namespace, clusterName, retain }) => {
    const { server, caPem, qps, burst, tunnel } = given;
    const open = tunnel && ((signal: AbortSignal) => streams.open(tunnel.clusterId, { to: 'direct' }, signal));
    const tlsServerName = tunnel?.tlsServerName;
    const child = KubeClient.fromOptions({ server, caPem, token, qps, burst, userAgent, tlsServerName, connect: open });
    const observer = o.metrics.observeClient(child, clusterName);
    const logger = o.logger.child({ cluster: clusterName });
    const own = { ...shared, logger, child, namespace, clusterName, retain };
    const generic = new ClusterDeployer({ ...own, descriptions, recovery });
    const access = { server, caPem, token, qps, burst, tlsServerName, open };
    const charts = new HelmDeployer({ ...own, engine: helm, access, releases, credentials });
    return {
      start: () => {
        generic.start();
        charts.start();
      },
      close: () => closeAll(child, { close: observer }, charts, generic),
    };
  };
}
