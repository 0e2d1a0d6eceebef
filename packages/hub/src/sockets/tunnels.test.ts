// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { afterEach, describe, expect, it } from '@jest/globals';
import { KubeClient } from '@clusternet/client';
import { agentUser, clusterId, sockets, SocketsBed } from '../testing/socketsBed.ts';

let bed: SocketsBed;
afterEach(async () => {
  await bed[Symbol.asyncDispose]();
});

/** The status that an attempt to open a tunnel is refused with. */
async function refusal(user: string, path = `${sockets}/${clusterId}/attach`): Promise<number> {
  const request = httpsRequest(
    bed.options(user, `${path}/?EIO=4&transport=websocket`, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
      },
    }),
  );
  request.on('error', () => undefined).end();
  const status = await Promise.race([
    once(request, 'response').then(([response]) => (response as { statusCode: number }).statusCode),
    once(request, 'upgrade').then(() => 101),
  ]);
  request.destroy();
  return status;
}

describe('a tunnel', () => {
  it.each(['', '/attach'])('comes up at P%s for the agent of the cluster', async (suffix) => {
    bed = await SocketsBed.start();
    bed.agent({ path: `${sockets}/${clusterId}${suffix}` });
    await bed.connected();
    expect(bed.registry.get(clusterId)?.owner).toMatchObject({ namespace: 'clusternet-abcde', name: 'child' });
  });

  it.each([
    ['a person', 'anna'],
    ['an administrator', 'system:admin'],
    ['nobody', 'system:anonymous'],
    ['the agent of another cluster', 'system:serviceaccount:clusternet-other:clusternet-other'],
    ['another account of the namespace', 'system:serviceaccount:clusternet-abcde:default'],
    ['an account whose name holds the other one', `${agentUser}:x`],
  ])('is not for %s', async (_what, user) => {
    bed = await SocketsBed.start();
    expect(await refusal(user)).toBe(403);
    expect(bed.registry.list()).toEqual([]);
  });

  it('is for the own id only', async () => {
    bed = await SocketsBed.start();
    expect(await refusal(agentUser, `${sockets}/0a0a0a0a-0000-4000-8000-000000000002/attach`)).toBe(403);
    expect(await refusal(agentUser, `${sockets}/${clusterId}%2Fx/attach`)).toBe(400);
  });

  it('is not for a registration that is going, nor for an account that was made anew', async () => {
    bed = await SocketsBed.start();
    const { clusters } = bed;
    const { account, cluster } = clusters;
    clusters.account = undefined;
    expect(await refusal(agentUser)).toBe(403);
    clusters.account = account;
    if (cluster) clusters.cluster = { ...cluster, metadata: { ...cluster.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(await refusal(agentUser)).toBe(403);
  });

  it('is replaced by a newer one of the same cluster', async () => {
    bed = await SocketsBed.start();
    await bed.withAgent();
    const older = bed.registry.get(clusterId)?.tunnel;
    bed.agent();
    expect((await older?.closed)?.reason).toContain('newer tunnel');
    expect(bed.registry.list()).toHaveLength(1);
  });

  it.each<[string, () => void]>([
    ['the cluster is taken out', () => (bed.clusters.cluster = undefined)],
    [
      'the account is made anew',
      () => {
        const a = bed.clusters.account;
        if (a) bed.clusters.account = { ...a, metadata: { ...a.metadata, uid: 'account-2' } };
      },
    ],
    [
      'its rights are taken away',
      () => {
        bed.allow = ({ user }) => user !== agentUser;
        bed.clusters.changed();
      },
    ],
  ])('is closed when %s', async (_what, revoke) => {
    bed = await SocketsBed.start();
    const agent = bed.agent();
    await bed.connected();
    const tunnel = bed.registry.get(clusterId)?.tunnel;
    revoke();
    await tunnel?.closed;
    expect(bed.registry.get(clusterId)).toBeUndefined();
    await agent.close();
  });

  it('stays when the API server cannot be asked about it', async () => {
    bed = await SocketsBed.start();
    await bed.withAgent();
    const asked = new Promise<void>((resolve) => {
      bed.allow = () => {
        resolve();
        throw new Error('the parent is away');
      };
    });
    bed.clusters.changed();
    await asked;
    expect(bed.registry.get(clusterId)).toBeDefined();
  });
});

describe('what deploys to a child', () => {
  it('goes through its tunnel, and fails at once without it', async () => {
    bed = await SocketsBed.start();
    const { status } = bed.clusters.cluster ?? {};
    const child = KubeClient.fromOptions({
      server: status?.apiserverURL ?? '',
      caPem: Buffer.from(status?.apiserverCABundle ?? '', 'base64').toString(),
      token: 'deployer',
      connect: (signal) => bed.registry.open(clusterId, { to: 'direct' }, signal),
    });
    const version = { method: 'GET', path: '/version', timeoutMs: 2_000 };
    await expect(child.request(version)).rejects.toThrow();
    await bed.withAgent();
    expect(await child.request(version)).toEqual({ kind: 'Ok' });
    expect(bed.received[0]?.headers).toMatchObject({ host: 'child.example:6443', authorization: 'Bearer deployer' });
    await child.close();
  });
});

describe('sockets', () => {
  it('are listed and read with since when, for those who may', async () => {
    bed = await SocketsBed.start();
    expect((await bed.as('anna', `${sockets}/${clusterId}`)).code).toBe(404);
    expect((await bed.as('anna', sockets)).json()).toMatchObject({ kind: 'SocketList', items: [] });
    await bed.withAgent();
    const item = {
      kind: 'Socket',
      metadata: { name: clusterId, creationTimestamp: expect.stringMatching(/Z$/) },
      status: { replica: 'me', streams: 0, connectedAt: expect.stringMatching(/Z$/) },
    };
    expect((await bed.as('anna', sockets)).json()).toMatchObject({ items: [item] });
    expect((await bed.as('anna', `${sockets}?fieldSelector=metadata.name%3Dother`)).json()).toMatchObject({ items: [] });
    expect((await bed.as('anna', `${sockets}/${clusterId}`)).json()).toMatchObject(item);
    bed.allow = () => false;
    expect((await bed.as('anna', sockets)).code).toBe(403);
  });

  it('are made by agents, not by requests', async () => {
    bed = await SocketsBed.start();
    expect((await bed.as('anna', `${sockets}/${clusterId}`, { method: 'DELETE' })).code).toBe(405);
    expect((await bed.as('anna', `${sockets}/${clusterId}/attach`)).code).toBe(400);
  });

  it('are counted', async () => {
    bed = await SocketsBed.start();
    await bed.withAgent();
    await bed.as('clusternet', `${sockets}/${clusterId}/proxy/direct/`);
    const text = await bed.metrics.registry.metrics();
    expect(text).toContain('clusternet_socket_connections_count 1');
    expect(text).toContain('clusternet_socket_dial_seconds_count{result="ok"} 1');
    expect(text).toContain('clusternet_socket_proxied_requests_total{kind="request",code="200"} 1');
  });
});
