// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeClient } from '@clusternet/client';
import { Metrics } from './metrics.ts';

describe('Metrics', () => {
  it('gives an existing metric back', () => {
    const metrics = new Metrics();
    const options = { name: 'clusternet_things_total', help: 'Things.' };
    expect(metrics.counter(options)).toBe(metrics.counter(options));
  });

  it('has the figures of the process only when asked', async () => {
    expect(await new Metrics().registry.metrics()).not.toContain('process_cpu');
    expect(await new Metrics({ processDefaults: true }).registry.metrics()).toContain('process_cpu_seconds_total');
  });

  it('counts and times the requests of a client until told to stop', async () => {
    const metrics = new Metrics();
    const client = {} as KubeClient;
    const stop = metrics.observeClient(client, 'parent');
    client.onRequest?.({ method: 'GET', resource: 'pods', code: 200, durationMs: 20 });
    client.onRequest?.({ method: 'GET', resource: 'pods', code: 'error', durationMs: 20 });
    const text = await metrics.registry.metrics();
    expect(text).toContain('clusternet_api_requests_total{cluster="parent",verb="get",resource="pods",code="200"} 1');
    expect(text).toContain('clusternet_api_requests_total{cluster="parent",verb="get",resource="pods",code="error"} 1');
    expect(text).toContain(
      'clusternet_api_request_duration_seconds_bucket{le="0.025",cluster="parent",verb="get",resource="pods"} 2',
    );
    stop();
    expect(client.onRequest).toBeUndefined();
    expect(await metrics.registry.metrics()).not.toContain('cluster="parent"');
  });
});
