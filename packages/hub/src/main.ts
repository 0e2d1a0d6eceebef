// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { names } from '@clusternet/api-types';
import { runService } from '@clusternet/runtime';
import { checkClusterApi } from './clusterApi/createClusterDiscovery.ts';
import { checkGates, hubConfig, hubGates } from './config.ts';
import { lead } from './hub.ts';
import { startReplica } from './replica.ts';

const version = process.env['CLUSTERNET_VERSION'] ?? '0.0.0-dev';

await runService({
  name: names.hub,
  description: 'Registers clusters and turns placed Subscriptions into deployments.',
  version,
  config: hubConfig,
  gates: hubGates,
  // The API server has health and metrics too.
  healthServer: false,
  run: async (context) => {
    checkGates(context.gates);
    checkClusterApi(context.config);
    const replica = await startReplica({ ...context, version });
    try {
      const { streams, connectivity, manifests } = replica;
      await context.elect((leading) => lead({ ...context, version, streams, connectivity, manifests }, leading));
    } finally {
      await replica.close();
    }
  },
});
