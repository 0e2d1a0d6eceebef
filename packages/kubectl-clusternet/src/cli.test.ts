// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import { run as runHere } from './cli.ts';
import { json, StubApiServer } from './testing/stubApiServer.ts';

const main = join(import.meta.dirname, 'main.ts');
const id = '1f2e3d4c-0000-4000-8000-000000000001';
const direct = `/apis/proxies.clusternet.io/v1alpha1/sockets/${id}/proxy/direct`;

let folder: string;
let parent: StubApiServer;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  parent = await StubApiServer.start();
  parent.handler = ({ line }, response) => {
    const [, path = ''] = line.split(' ');
    if (path.includes('/managedclusters')) {
      json(response, { metadata: {}, items: [{ metadata: { name: 'eu-1', namespace: 'n' }, spec: { clusterId: id } }] });
    } else if (path.includes('watch=true')) response.writeHead(200).flushHeaders();
    else if (path.includes('/subscriptions/app')) {
      json(response, { metadata: { name: 'app', namespace: 'default', uid: 'u' }, spec: { feeds: [], subscribers: [] } });
    } else json(response, { metadata: {}, items: [] });
  };
  await writeFile(join(folder, 'config'), parent.kubeconfig());
  env = { ...process.env, KUBECONFIG: join(folder, 'config'), HOME: folder, TMPDIR: folder };
});

afterEach(async () => {
  await parent[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@clusternet/source', main, ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

describe('visit', () => {
  it('runs a command with a kubeconfig that lasts as long as it does', async () => {
    const script = 'cat "$KUBECONFIG"; exit 7';
    const { code, out } = await run('visit', 'eu-1', '--', 'sh', '-c', script);
    expect(code).toBe(7);
    expect(out).toMatch(/"server":"http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}"/);
    expect(out).not.toContain('parent-token');
    expect((await readdir(folder)).filter((name) => name.startsWith('kubectl-clusternet-'))).toEqual([]);
  });

  it('writes a kubeconfig that goes through the parent, for nobody else to read, and never over a file', async () => {
    const file = join(folder, 'eu-1.yaml');
    expect(await run('visit', 'eu-1', '--write', file)).toMatchObject({ code: 0, out: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({
      clusters: [{ cluster: { server: parent.url + direct, 'certificate-authority-data': expect.any(String) } }],
      users: [{ user: { token: 'parent-token' } }],
    });
    expect(await run('visit', 'eu-1', '--write', file)).toMatchObject({
      code: 1,
      err: expect.stringContaining('exists'),
    });
    parent.handler = ({ line }, response) =>
      line.includes('/apis/proxies.')
        ? response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
        : json(response, {});
    expect(await run('visit', 'eu-1')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('featureGates.SocketConnection=true'),
    });
  });
});

describe('every command', () => {
  const commands = [
    'clusters',
    'clusters describe eu-1',
    'visit eu-1',
    'status app',
    'status app -w',
    'rollout history app',
    'rollout undo app',
    'preview -f FILE',
    'join-command',
    'cordon eu-1',
    'drain eu-1',
    'approve',
    'deny x',
    'get pods --cluster-id eu-1',
  ];

  beforeEach(async () => {
    await writeFile(join(folder, 'file.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n');
  });

  /** All of them, in this process: another one for each would take a minute. */
  async function runAll(expected: RegExp, which = commands): Promise<void> {
    const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const saved = process.env['KUBECONFIG'];
    process.env['KUBECONFIG'] = env['KUBECONFIG'];
    try {
      for (const command of which) {
        said.mockClear();
        const code = await runHere(command.replace('FILE', join(folder, 'file.yaml')).split(' '));
        const text = said.mock.calls.map(([chunk]) => String(chunk)).join('');
        expect([command, code, expected.test(text) ? 'as expected' : text]).toEqual([command, 1, 'as expected']);
      }
    } finally {
      said.mockRestore();
      if (saved === undefined) delete process.env['KUBECONFIG'];
      else process.env['KUBECONFIG'] = saved;
    }
  }

  it('says that there is no hub where its kinds are not served, and makes no token there', async () => {
    parent.handler = (_request, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    const noHub =
      /^error: https:\/\/127\.0\.0\.1:\d+ does not serve [a-z]+\.clusternet\.io: the hub of Clusternet is not installed/;
    await runAll(noHub);
    // API servers look at rights first.
    parent.handler = ({ line }, response) =>
      /^GET \/apis\/[a-z]+\.clusternet\.io(?:\/v1alpha1)? *$/.test(line)
        ? response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
        : json(response, { kind: 'Status', reason: 'Forbidden', message: 'you may not' }, 403);
    await runAll(noHub);
    expect(parent.received.filter(({ line }) => line.startsWith('POST') && !line.includes('selfsubject'))).toEqual([]);
    // All that the commands need is loaded here.
  }, 60_000);

  it('says that the login is refused, or what rights are missing', async () => {
    parent.handler = (_request, response) => json(response, { kind: 'Status', reason: 'Unauthorized' }, 401);
    await runAll(/^error: You must be logged in to the server/);
    parent.handler = (_request, response) => json(response, { kind: 'Status', reason: 'Forbidden', message: 'you may not' }, 403);
    await runAll(/^(Error from server \(Forbidden\): you may not|error: .*you may not)/);
  });

  it('says that the parent cannot be reached', async () => {
    await writeFile(join(folder, 'config'), parent.kubeconfig().replace(parent.url, 'https://127.0.0.1:1'));
    const refused = /^error: .*127\.0\.0\.1:1\b.*: is the API server running and the address right\?\n$/;
    await runAll(refused, ['clusters', 'rollout history app', 'join-command', 'get pods --cluster-id eu-1']);
  });
});

describe('clusters', () => {
  it('are data where that is asked for, whatever is asked of them', async () => {
    expect(JSON.parse((await run('clusters', 'describe', 'eu-1', '-o', 'json')).out)).toMatchObject({
      kind: 'ManagedCluster',
      spec: { clusterId: id },
    });
    expect(parse((await run('clusters', 'health', '-o', 'yaml')).out)).toEqual([
      { name: 'eu-1', namespace: 'n', clusterId: id, ready: 'Unknown', troubles: ['Ready: its agent has not reported yet'] },
    ]);
    parent.handler = (_request, response) => json(response, { metadata: {}, items: [] });
    expect((await run('clusters', '-l', 'a=b')).err).toBe('No clusters found with labels a=b.\n');
  });
});

describe('clusters health', () => {
  it('says what is wrong, and ends with 1 when something is', async () => {
    const cluster = (name: string, conditions: object[]) => ({
      metadata: { name, namespace: name },
      spec: { clusterId: name },
      status: { conditions },
    });
    const ready = { type: 'Ready', status: 'True', reason: 'ManagedClusterReady' };
    const items = [
      cluster('a', [ready]),
      cluster('b', [ready, { type: 'Connected', status: 'False', reason: 'TunnelDisabled' }]),
      cluster('c', [{ type: 'Ready', status: 'Unknown', reason: 'Silent', message: 'no news for 5m' }]),
      cluster('d', [ready, { type: 'Connected', status: 'False', reason: 'TunnelDown', message: 'no tunnel for 5m' }]),
      cluster('e', []),
    ];
    parent.handler = ({ line }, response) =>
      json(response, { metadata: {}, items: line.includes('managedclusters') ? items : [] });
    expect(await run('clusters', 'health', 'a', 'b')).toMatchObject({ code: 0 });
    const { code, out } = await run('clusters', 'health');
    expect(code).toBe(1);
    expect(out).toMatch(/c +Unknown .* Ready: no news for 5m\n/);
    expect(out).toMatch(/d +True .* Connected: no tunnel for 5m\n/);
    expect(out).toMatch(/e +Unknown .* Ready: its agent has not reported yet\n/);
  });
});

describe('rollout', () => {
  it.each([['rollout', '--help'], ['rollout'], ['help', 'rollout']])('tells of itself: %s %s', async (...words) => {
    const { code, out } = await run(...words.filter((word) => word !== undefined));
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: kubectl clusternet rollout/);
    expect(out).toMatch(/^ {2}approve .*<subscription>/m);
    expect(out).toContain("With a kind (rollout restart deployment/web) it is kubectl's own");
  });

  it('tells of each of its actions', async () => {
    for (const words of [
      ['rollout', 'undo', '--help'],
      ['help', 'rollout', 'undo'],
    ]) {
      const { code, out } = await run(...words);
      expect([code, out]).toEqual([
        0,
        expect.stringMatching(/^Usage: kubectl clusternet rollout undo .*--to-revision <number>/s),
      ]);
    }
  });
});

describe('join-command', () => {
  it('refuses what no cluster can be called before it makes a token', async () => {
    for (const words of [
      ['--cluster-name', 'A_b'],
      ['--cluster-labels', 'region=eu,zone'],
      ['--cluster-labels', 'a b=c'],
      ['--cluster-labels', 'clusters.clusternet.io/cluster-id=another'],
      ['--ttl', '5x'],
    ]) {
      expect(await run('join-command', ...words)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('is invalid') });
    }
    expect(parent.received).toEqual([]);
    expect((await run('join-command', '--cluster-labels', 'example.io/region=eu,zone=')).code).toBe(0);
  });
});

describe('the command line', () => {
  it('says what is wrong in one or two lines', async () => {
    expect(await run('clusters', '--frobnicate')).toMatchObject({
      code: 1,
      err: 'error: unknown option \'--frobnicate\'\nSee "kubectl clusternet clusters --help".\n',
    });
    expect(await run('clusters', '--cluster-id', 'eu-1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('about the parent'),
    });
    expect(await run('--frobnicate')).toMatchObject({
      code: 1,
      err: 'error: unknown flag: --frobnicate\nSee "kubectl clusternet --help".\n',
    });
    expect(await run('visit', 'eu-1', '--', 'no-such-program')).toMatchObject({
      code: 127,
      err: 'error: no-such-program cannot be run: there is no such program\n',
    });
    expect(await run('clusters', '-o', 'toml')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Allowed choices'),
    });
  });

  it('ends a watched status on SIGINT with 130', async () => {
    const child = spawn(process.execPath, ['--conditions=@clusternet/source', main, 'status', 'app', '--watch'], { env });
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    expect(first.toString()).toContain('Subscription default/app');
    child.kill('SIGINT');
    expect(((await once(child, 'close')) as [number])[0]).toBe(130);
  });
});
