// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { names } from '@clusternet/api-types';
import { createHelmEngine, helmSettings } from '@clusternet/deployer';
import { runService } from '@clusternet/runtime';
import { Agent } from './agent.ts';
import { agentConfig, agentGates } from './config.ts';
import { resolveOptions } from './options.ts';

const version = process.env.CLUSTERNET_VERSION ?? 'dev';

await runService({
  name: names.agent,
  description: 'Joins the cluster it runs in to a parent cluster.',
  version,
  config: agentConfig,
  gates: agentGates,
  run: async (context) => {
    const { client, config, gates, health, logger, metrics, signal } = context;
    const options = resolveOptions({ config, gates, env: process.env });
    await client.request({ method: 'GET', path: '/version', signal });
    const agent = new Agent({
      options,
      child: client,
      helm: createHelmEngine(helmSettings(config)),
      lease: { namespace: config.leaderElectResourceNamespace, name: config.leaderElectResourceName },
      version,
      qps: config.kubeApiQps,
      burst: config.kubeApiBurst,
      logger,
      metrics,
    });
    // A parent that is away or has let the cluster go is no reason to take the agent out of service.
    health.addCheck('registration', () => undefined);
    metrics.gauge({
      name: 'clusternet_agent_registered',
      help: '1 while the cluster is registered with its parent and this replica serves it.',
      collect: (gauge) => gauge.set(agent.serving ? 1 : 0),
    });
    await context.elect((leading) => agent.lead(leading));
  },
});
