// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import { ClusterDeployer } from '@clusternet/deployer';
import { closeAll, type EventRecorder, type Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { type Streams } from '../sockets/streams.ts';
import { type DeployerFactory } from './pushController.ts';

/** Makes real deployers, each with its own connections to its child. */
export function deployerFactory(o: {
  parent: KubeClient;
  descriptions: Informer<Description>;
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
  const { userAgent, streams, ...shared } = o;
  return ({ access, token, namespace, clusterName, retain }) => {
    const { server, caPem, qps, burst, tunnel } = access;
    const child = KubeClient.fromOptions({
      server,
      caPem,
      token,
      qps,
      burst,
      userAgent,
      ...(tunnel && {
        tlsServerName: tunnel.tlsServerName,
        connect: (signal) => streams.open(tunnel.clusterId, { to: 'direct' }, signal),
      }),
    });
    const observer = o.metrics.observeClient(child, clusterName);
    const logger = o.logger.child({ cluster: clusterName });
    const deployer = new ClusterDeployer({ ...shared, logger, child, namespace, clusterName, retain });
    return {
      start: () => deployer.start(),
      close: () => closeAll(child, { close: observer }, deployer),
    };
  };
}
