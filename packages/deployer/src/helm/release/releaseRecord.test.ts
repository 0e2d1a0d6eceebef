// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { Buffer } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ReleaseRecords, withStatus } from './releaseRecord.ts';

const text =
  '{"name":"web","info":{"first_deployed":"2026-01-01T00:00:00Z","last_deployed":"2026-01-02T00:00:00Z","deleted":"",' +
  '"description":"Preparing upgrade of \\"web\\" {1}","status":"pending-upgrade","notes":"a \\"note\\" }\\n"},' +
  '"chart":{"metadata":{"name":"web","version":"1.2.3"}},"config":{"big":12345678901234567890,"status":"pending-upgrade"},"version":2}';

function secret(name: string, labels: Record<string, string>, release = text): KubeObject {
  const encoded = Buffer.from(gzipSync(release).toString('base64')).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'shop', resourceVersion: '7', labels },
    data: { release: encoded },
  };
}

function fake(secrets: KubeObject[]) {
  const patches: { ref: object; patch: { metadata: object; data: { release: string } } }[] = [];
  const child = {
    resource: () => ({
      listMetadata: async () => ({ items: secrets.map(({ metadata }) => ({ metadata })) }),
      find: async ({ name }: { name: string }) => secrets.find(({ metadata }) => metadata.name === name),
      patch: async (ref: object, patch: { metadata: object; data: { release: string } }) => void patches.push({ ref, patch }),
    }),
  } as unknown as Pick<KubeClient, 'resource'>;
  return { records: new ReleaseRecords(child), patches };
}

const ref = { name: 'web', namespace: 'shop' };

describe('ReleaseRecords', () => {
  it('finds the newest record by number, and what it says', async () => {
    const { records } = fake([
      secret('v9', { version: '9', status: 'superseded' }),
      secret('v10', { version: '10', status: 'pending-upgrade', modifiedAt: '1772323200' }),
      secret('odd', { version: 'x' }),
    ]);
    const newest = await records.newest(ref);
    expect(newest).toMatchObject({
      secret: 'v10',
      revision: 10,
      status: 'pending-upgrade',
      modifiedAt: new Date('2026-03-01T00:00:00Z'),
    });
    expect(newest && (await records.details(newest, 'shop'))).toMatchObject({
      chartName: 'web',
      chartVersion: '1.2.3',
      lastDeployed: '2026-01-02T00:00:00Z',
      notes: 'a "note" }\n',
    });
    expect(await fake([]).records.newest(ref)).toBeUndefined();
  });

  it('marks a record failed, and changes nothing else in it', async () => {
    const { records, patches } = fake([secret('v2', { version: '2', status: 'pending-upgrade', own: 'x' })]);
    const newest = await records.newest(ref);
    if (newest) await records.markFailed(newest, 'shop');
    expect(patches[0]?.patch.metadata).toEqual({ resourceVersion: '7', labels: { version: '2', status: 'failed', own: 'x' } });
    const inner = Buffer.from(Buffer.from(patches[0]?.patch.data.release ?? '', 'base64').toString(), 'base64');
    const changed = gunzipSync(inner).toString();
    expect(changed).toContain('"config":{"big":12345678901234567890,"status":"pending-upgrade"},"version":2}');
    expect(JSON.parse(changed)).toMatchObject({ name: 'web', info: { status: 'failed', notes: 'a "note" }\n' } });
  });

  it('leaves a record that has changed meanwhile, and refuses one that helm did not write', async () => {
    const pending = { secret: 'v2', revision: 2, status: 'pending-upgrade' as const, modifiedAt: undefined, labels: {} };
    const { records, patches } = fake([secret('v2', { version: '2', status: 'deployed' })]);
    await records.markFailed(pending, 'shop');
    expect(patches).toEqual([]);
    const odd = fake([secret('v2', { version: '2', status: 'pending-upgrade' }, '{"info":{}}')]);
    await expect(odd.records.markFailed(pending, 'shop')).rejects.toThrow(/not as Helm writes it/);
  });
});

it.each(['', '{}', '{"name":"a","chart":{"status":"deployed"}}'])('withStatus does not change %j', (given) => {
  expect(withStatus(given, 'failed', 'x')).toBeUndefined();
});
