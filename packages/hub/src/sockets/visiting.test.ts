// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@clusternet/pki';
import { proxyPath, SocketsBed } from '../testing/socketsBed.ts';

const path = `${proxyPath}/direct/api`;
const extra = 'X-Remote-Extra-Clusternet-';

let bed: SocketsBed;
afterEach(async () => {
  await bed[Symbol.asyncDispose]();
});

async function start(token?: string): Promise<SocketsBed> {
  bed = await SocketsBed.start();
  bed.clusters.token = token;
  return bed.withAgent();
}

/** What the child was told about who asks. */
function identities(): Record<string, string[]>[] {
  return bed.received.map(({ rawHeaders }) => {
    const found: Record<string, string[]> = {};
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] ?? '').toLowerCase();
      if (name === 'authorization' || name.startsWith('impersonate-')) (found[name] ??= []).push(rawHeaders[at + 1] ?? '');
    }
    return found;
  });
}

async function call(user: string, headers: Record<string, string | string[]> = {}): Promise<number> {
  return (await bed.as(user, path, { headers })).code;
}

describe('with a credential of the child', () => {
  it('in extras, a request is that one at the child, and may act as somebody there', async () => {
    await start('visitor');
    const headers = {
      [`${extra}Token`]: 'child-token',
      [`${extra}Impersonate-User`]: 'anna',
      [`${extra}Impersonate-Group`]: ['one', 'two'],
      [`${extra}Impersonate-Extra-Scope`]: 'view',
    };
    expect(await call('clusternet', headers)).toBe(200);
    expect(identities()).toEqual([
      {
        authorization: ['Bearer child-token'],
        'impersonate-user': ['anna'],
        'impersonate-group': ['one', 'two'],
        'impersonate-extra-scope': ['view'],
      },
    ]);
  });

  it('in headers that are not logged, likewise', async () => {
    await start('visitor');
    expect(await call('anna', { 'Clusternet-Authorization': 'Bearer child-token' })).toBe(200);
    const { cert, key } = await (await CertificateAuthority.create('clients')).issue('bert');
    const [certificate, privateKey] = [cert, key].map((text) => Buffer.from(text).toString('base64'));
    const headers = { 'Clusternet-Certificate': certificate ?? '', 'Clusternet-Private-Key': privateKey ?? '' };
    expect(await call('anna', headers)).toBe(200);
    expect(identities()).toEqual([{ authorization: ['Bearer child-token'] }, {}]);
    expect(bed.received[1]?.clientName).toBe('bert');
  });

  it.each<[string, Record<string, string>]>([
    ['both ways at once', { [`${extra}Token`]: 'a', 'Clusternet-Authorization': 'Bearer b' }],
    ['a form other than a bearer token', { 'Clusternet-Authorization': 'Basic Zm9v' }],
    ['a certificate without its key', { [`${extra}Certificate`]: 'Zm9v' }],
    ['a key without its certificate', { 'Clusternet-Private-Key': 'Zm9v' }],
    ['what is not base64', { [`${extra}Certificate`]: '!', [`${extra}PrivateKey`]: '!' }],
    ['what is no certificate', { [`${extra}Certificate`]: 'Zm9v', [`${extra}PrivateKey`]: 'Zm9v' }],
    ['a token with a blank in it', { [`${extra}Token`]: 'a b' }],
    ['extras that would be other headers', { [`${extra}Token`]: 'a', [`${extra}Host`]: 'evil' }],
    ['extras with a line break in the name', { [`${extra}Token`]: 'a', [`${extra}Impersonate-Extra-a%0d%0aHost`]: 'evil' }],
    ['impersonation without a credential', { [`${extra}Impersonate-User`]: 'admin' }],
  ])('given as %s, it is refused', async (_what, headers) => {
    await start('visitor');
    expect(await call('clusternet', headers)).toBe(400);
    expect(bed.received).toEqual([]);
  });
});

describe('as oneself', () => {
  it('a request is the caller and its groups at the child, without those of the parent system', async () => {
    await start('visitor');
    const groups = ['devs', 'system:masters', 'system:authenticated', 'system:serviceaccounts', 'größe'];
    const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    expect(
      await call('anna@example.com', { 'X-Remote-Group': groups.map(utf8), 'X-Remote-Uid': '7', 'X-Remote-Extra-Scope': 'x' }),
    ).toBe(200);
    expect(identities()).toEqual([
      {
        authorization: ['Bearer visitor'],
        'impersonate-user': ['anna@example.com'],
        'impersonate-group': ['devs', utf8('größe')],
      },
    ]);
  });

  it('is not possible without the consent of the child', async () => {
    await start();
    expect(await call('anna')).toBe(200);
    expect(identities()).toEqual([{}]);
  });

  it('nobody stays nobody, and the name that everybody may have is nobody', async () => {
    await start('visitor');
    expect(await call('system:anonymous', { 'X-Remote-Group': 'system:unauthenticated' })).toBe(200);
    expect(await call('clusternet')).toBe(200);
    expect(identities()).toEqual([{}, {}]);
  });

  it.each(['system:serviceaccount:default:default', 'system:admin', 'system:node:a', 'system:kube-controller-manager'])(
    '%s of the parent does not become the one of the child',
    async (user) => {
      await start('visitor');
      const answer = await bed.as(user, path);
      expect(answer.code).toBe(403);
      expect(answer.body).toContain('clusternet-token');
      expect(bed.received).toEqual([]);
      expect(await call(user, { [`${extra}Token`]: 'its-own' })).toBe(200);
    },
  );

  it('a group that would turn into another one on its way is refused', async () => {
    await start('visitor');
    // HTTP trims plain blanks already where it reads them; this one is a blank to some programs only.
    expect(await call('anna', { 'X-Remote-Group': '\u00c2\u00a0system:masters' })).toBe(403);
    expect(bed.received).toEqual([]);
  });

  it('a caller cannot say whom it acts as', async () => {
    await start('visitor');
    expect(await call('anna', { [`${extra}Impersonate-Group`]: 'system:masters' })).toBe(400);
    expect(await call('anna', { 'Impersonate-Group': 'system:masters' })).toBe(400);
    expect(bed.received).toEqual([]);
  });

  it('the visitor goes to the API server only', async () => {
    await start('visitor');
    expect((await bed.as('anna', `${proxyPath}/http/example.com/x`)).code).toBe(403);
    bed.registry.get('');
    expect(bed.received).toEqual([]);
  });
});
