// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { guardedSignal, Metrics, type NewEvent } from '@clusternet/runtime';
import { expiredCertificate, validCertificate } from '../testing/certificates.ts';
import { collectingLogger } from '../testing/collectingLogger.ts';
import { TunnelParent } from '../testing/tunnelParent.ts';
import { until } from '../testing/until.ts';
import { AgentTunnel, type AgentTunnelOptions } from './agentTunnel.ts';
import { Dialer } from './dialer.ts';
import { parseAllowRule } from './dialPolicy.ts';
import { TunnelMetrics } from './tunnelMetrics.ts';
import { TunnelReporter } from './tunnelReporter.ts';

const clusterId = '11111111-2222-3333-4444-555555555555';
const direct = '{"to":"direct"}';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startParent(o: Parameters<typeof TunnelParent.start>[0] = {}): Promise<TunnelParent> {
  const parent = await TunnelParent.start(o);
  closers.push(() => parent.close());
  return parent;
}

/** An agent's end towards this parent, and all that can be seen of it. */
function agentOf(parent: { url: string }, o: Partial<AgentTunnelOptions> & { apiServer?: string; allow?: string[] } = {}) {
  const { logger, lines } = collectingLogger();
  const events: NewEvent[] = [];
  const metrics = new Metrics();
  const leadership = new AbortController();
  const state = { token: 'token-1', ca: validCertificate.cert as string | undefined, distrusted: 0 };
  const tunnel = new AgentTunnel({
    parentUrl: parent.url,
    clusterId,
    token: () => state.token,
    ca: () => state.ca,
    onDistrust: () => state.distrusted++,
    dialer: new Dialer({ apiServer: o.apiServer ?? 'https://127.0.0.1:1', allow: (o.allow ?? []).map(parseAllowRule) }),
    signal: leadership.signal,
    logStreams: true,
    reporter: new TunnelReporter(logger, (event) => events.push(event)),
    metrics: new TunnelMetrics(metrics),
    logger,
    timing: { backoff: { initialMs: 5, maxMs: 10 } },
    refusedBackoff: { initialMs: 10, maxMs: 20 },
    ...o,
  });
  closers.push(() => tunnel.close());
  const seen = (...levels: string[]) => lines.filter(({ level }) => levels.includes(level)).map(({ message }) => message);
  return { tunnel, lines, events, metrics, leadership, state, seen };
}

async function connected(o: Parameters<typeof agentOf>[1] = {}) {
  const parent = await startParent();
  const agent = agentOf(parent, o);
  agent.tunnel.start();
  await until(() => parent.tunnels.length === 1);
  return { parent, ...agent };
}

/** An API server of the child: HTTPS, and it tells what it was asked. */
async function startApiServer() {
  const server = createServer({ ...validCertificate }, (req, res) => res.end(`${req.method} ${req.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

async function metric(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const { values } = (await metrics.registry.getMetricsAsJSON()).find((found) => found.name === name) as unknown as {
    values: { labels: Record<string, string>; value: number }[];
  };
  return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(), value]));
}

describe('AgentTunnel', () => {
  it('connects where API servers count nothing against their limits, with the credential of the cluster', async () => {
    const { parent, events, seen } = await connected();
    const url = new URL(parent.urls[0] ?? '', parent.url);
    expect(url.pathname).toBe(`/apis/proxies.clusternet.io/v1alpha1/sockets/${clusterId}/attach`);
    expect(parent.credentials).toEqual(['Bearer token-1']);
    await until(() => events.length === 1);
    expect(events).toEqual([{ type: 'Normal', reason: 'TunnelEstablished', message: 'the tunnel to the parent is up' }]);
    expect(seen('info', 'warn', 'error')).toEqual(['tunnel to the parent is up']);
  });

  it('keeps the path of the parent', async () => {
    const parent = await startParent();
    agentOf({ url: `${parent.url}/k8s/clusters/c-1` }).tunnel.start();
    await until(() => parent.tunnels.length === 1);
    expect(parent.urls[0]).toContain('/k8s/clusters/c-1/apis/proxies.clusternet.io/v1alpha1/sockets/');
  });

  it.each([
    ['401 Unauthorized', 'TunnelUnauthorized', 'The parent does not take the credential', 1],
    ['403 Forbidden', 'TunnelForbidden', 'feature gate SocketConnection', 0],
    ['404 Not Found', 'TunnelNotServed', 'install a hub with feature gate SocketConnection', 0],
  ])('says once what a %s means, and goes on trying', async (status, reason, advice, distrusted) => {
    const parent = await startParent();
    parent.refuse = () => ({ status, message: 'no' });
    const { events, seen, state, tunnel, metrics } = agentOf(parent);
    tunnel.start();
    await until(() => parent.credentials.length >= 4);
    expect(seen('info', 'warn', 'error')).toEqual(['tunnel to the parent is down']);
    expect(events).toEqual([{ type: 'Warning', reason, message: expect.stringContaining(advice) }]);
    expect(events[0]?.message).toContain(`the parent answered ${status.slice(0, 3)}: no`);
    expect(state.distrusted > 0).toBe(distrusted > 0);
    expect((await metric(metrics, 'clusternet_agent_tunnel_failures_total'))[reason]).toBeGreaterThanOrEqual(3);
    parent.refuse = undefined;
    await until(() => events.length === 2);
    expect(seen('info', 'warn', 'error')).toEqual(['tunnel to the parent is down', 'tunnel to the parent is up']);
  });

  it('stays away for long after a refusal, and comes at once with a new credential', async () => {
    const parent = await startParent();
    parent.refuse = ({ headers }) =>
      headers.authorization === 'Bearer token-2' ? undefined : { status: '401 Unauthorized', message: 'no' };
    const { events, tunnel, state } = agentOf(parent, { refusedBackoff: { initialMs: 3_600_000, maxMs: 3_600_000 } });
    tunnel.start();
    await until(() => events.length === 1);
    state.token = 'token-2';
    tunnel.credentialRenewed();
    await until(() => parent.tunnels.length === 1);
    expect(parent.credentials).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('can be closed while it stays away', async () => {
    const parent = await startParent();
    parent.refuse = () => ({ status: '403 Forbidden', message: 'no' });
    const { events, tunnel } = agentOf(parent, { refusedBackoff: { initialMs: 3_600_000, maxMs: 3_600_000 } });
    tunnel.start();
    await until(() => events.length === 1);
    await tunnel.close();
    expect(parent.credentials).toHaveLength(1);
  });

  it.each([
    ['of another CA', undefined, validCertificate],
    ['that has expired', expiredCertificate.cert, expiredCertificate],
  ])('gives its credential to no parent with a certificate %s', async (_, ca, certificate) => {
    const parent = await startParent({ certificate });
    const { events, tunnel, state } = agentOf(parent);
    state.ca = ca;
    tunnel.start();
    await until(() => events.length === 1);
    expect(events[0]).toMatchObject({ type: 'Warning', reason: 'TunnelUntrusted' });
    expect(events[0]?.message).toContain('give the agent the CA of the parent');
    expect(state.distrusted).toBeGreaterThan(0);
    expect(parent.credentials).toEqual([]);
  });

  it('uses a new CA at the next attempt', async () => {
    const parent = await startParent();
    const { events, tunnel, state } = agentOf(parent);
    state.ca = undefined;
    tunnel.start();
    await until(() => events.length === 1);
    state.ca = validCertificate.cert;
    await until(() => parent.tunnels.length === 1);
  });

  it('leaves a tunnel that is up alone when its credential is renewed, and uses the new one for the next', async () => {
    const { parent, state, tunnel } = await connected();
    state.token = 'token-2';
    tunnel.credentialRenewed();
    expect(parent.tunnels).toHaveLength(1);
    await parent.tunnel.close('the credential has expired');
    await until(() => parent.tunnels.length === 2);
    expect(parent.credentials).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('comes back to a parent that was restarted', async () => {
    const { parent, events, metrics } = await connected();
    await until(() => events.length === 1);
    await parent.close();
    await until(() => events.some(({ reason }) => reason === 'TunnelUnavailable'));
    const again = await startParent({ port: parent.port });
    await until(() => again.tunnels.length === 1);
    await until(() => events.length === 4);
    expect(events.map(({ reason }) => reason)).toEqual([
      'TunnelEstablished',
      'TunnelLost',
      'TunnelUnavailable',
      'TunnelEstablished',
    ]);
    expect(await metric(metrics, 'clusternet_agent_tunnel_reconnects_total')).toEqual({ '': 1 });
  });

  it('ends the tunnel and its streams with the leadership', async () => {
    const { port } = await startApiServer();
    const { parent, leadership, metrics, seen } = await connected({ apiServer: `https://127.0.0.1:${port}` });
    const stream = await parent.tunnel.open(direct);
    const broken = once(stream, 'error');
    leadership.abort(new Error('the lease was lost'));
    expect((await parent.tunnel.closed).reason).toBe('the other end closed it: the client is going away');
    await broken;
    await until(() => seen('debug').includes('tunnel stream ended'));
    expect(await metric(metrics, 'clusternet_agent_tunnel_connected')).toEqual({ '': 0 });
    expect(await metric(metrics, 'clusternet_agent_tunnel_streams')).toEqual({ '': 0 });
    expect(parent.credentials).toHaveLength(1);
  });

  it('opens nothing for a leadership whose time was over while the process stood still', async () => {
    const stoodStill = { over: false };
    const signal = guardedSignal([], () => (stoodStill.over ? new Error('the lease was lost') : undefined));
    const { port } = await startApiServer();
    const { parent } = await connected({ signal, apiServer: `https://127.0.0.1:${port}` });
    (await parent.tunnel.open(direct)).destroy();
    // Nothing aborts the signal: it finds out when it is looked at.
    stoodStill.over = true;
    await expect(parent.tunnel.open(direct)).rejects.toThrow();
    await parent.tunnel.closed;
    expect(parent.credentials).toHaveLength(1);
  });

  it('does not connect for a leadership whose time was over while the process stood still', async () => {
    const stoodStill = { over: false };
    const signal = guardedSignal([], () => (stoodStill.over ? new Error('the lease was lost') : undefined));
    const parent = await startParent();
    parent.refuse = () => {
      stoodStill.over = true;
      return { status: '503 Service Unavailable', message: 'not yet' };
    };
    const { tunnel } = agentOf(parent, { signal });
    tunnel.start();
    await until(() => stoodStill.over && signal.aborted);
    await tunnel.close();
    expect(parent.credentials).toHaveLength(1);
  });

  it('carries TLS to the API server of the cluster from end to end', async () => {
    const { port } = await startApiServer();
    const { parent, metrics, lines } = await connected({ apiServer: `https://127.0.0.1:${port}` });
    const stream = await parent.tunnel.open(direct);
    const tls = tlsConnect({ socket: stream, ca: validCertificate.cert, host: '127.0.0.1' });
    await once(tls, 'secureConnect');
    expect(tls.authorized).toBe(true);
    tls.write('GET /api/v1/secrets?marker=secret-payload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await text(tls)).toContain('GET /api/v1/secrets?marker=secret-payload');
    // TLS on a stream that can be half open does not answer the other end's goodbye by itself.
    tls.end();
    await until(() => lines.some(({ message }) => message === 'tunnel stream ended'));
    const logged = lines.filter(({ level }) => level === 'debug');
    expect(logged.map(({ message, fields }) => [message, fields['target']])).toEqual([
      ['tunnel stream opened', 'direct'],
      ['tunnel stream ended', 'direct'],
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret-payload');
    expect(await metric(metrics, 'clusternet_agent_tunnel_streams_opened_total')).toEqual({ direct: 1 });
    const bytes = await metric(metrics, 'clusternet_agent_tunnel_bytes_total');
    expect(bytes['in']).toBeGreaterThan(0);
    expect(bytes['out']).toBeGreaterThan(bytes['in'] ?? 0);
    expect((await metric(metrics, 'clusternet_agent_tunnel_connected'))['']).toBe(1);
  });

  it('refuses what the policy does not hold, what cannot be understood and what does not answer', async () => {
    const { port } = await startApiServer();
    const { parent, metrics, lines } = await connected({ apiServer: 'https://127.0.0.1:1', allow: ['0.0.0.0/0', '::/0'] });
    const tcp = (host: string) => JSON.stringify({ to: 'tcp', host, port });
    for (const host of ['127.0.0.1', 'localhost', '::1', '::ffff:127.0.0.1', '169.254.169.254', '0.0.0.0']) {
      await expect(parent.tunnel.open(tcp(host))).rejects.toMatchObject({ name: 'StreamRefusedError', code: 'FORBIDDEN' });
    }
    for (const target of [tcp('2130706433'), tcp('0177.0.0.1'), 'tcp://127.0.0.1', '{"to":"unix","path":"/x"}']) {
      await expect(parent.tunnel.open(target)).rejects.toMatchObject({ code: 'INVALID' });
    }
    await expect(parent.tunnel.open(direct)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await metric(metrics, 'clusternet_agent_tunnel_streams_refused_total')).toEqual({
      forbidden: 6,
      invalid: 4,
      unreachable: 1,
    });
    expect(lines.filter(({ message }) => message === 'tunnel stream refused')).toHaveLength(11);
  });

  it('reaches what the policy names', async () => {
    const { port } = await startApiServer();
    const { parent } = await connected({ allow: [`127.0.0.1/32:${port}`] });
    const stream = await parent.tunnel.open(JSON.stringify({ to: 'tcp', host: 'localhost', port }));
    const tls = tlsConnect({ socket: stream, ca: validCertificate.cert, host: '127.0.0.1' });
    tls.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await text(tls)).toContain('200 OK');
  });

  it('logs no stream unless it is told to', async () => {
    const { parent, seen } = await connected({ logStreams: false });
    await expect(parent.tunnel.open(direct)).rejects.toThrow();
    expect(seen('debug')).toEqual([]);
  });
});
