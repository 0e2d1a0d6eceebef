// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { splitArguments } from '../arguments.ts';
import { json, StubApiServer } from '../testing/stubApiServer.ts';
import { runKubectl } from './runKubectl.ts';

const main = join(import.meta.dirname, '../main.ts');

let folder: string;
let parent: StubApiServer;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-kubectl-'));
  parent = await StubApiServer.start();
  await mkdir(join(folder, 'tmp'));
  await writeFile(join(folder, 'config'), parent.kubeconfig({ namespace: 'shop' }));
  env = {
    PATH: `${folder}:${process.env['PATH']}`,
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    KUBECONFIG: join(folder, 'config'),
    CLUSTERNET_KUBECTL: join(folder, 'kubectl'),
  };
});

afterEach(async () => {
  await parent[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Takes the place of kubectl. */
async function kubectl(script: string): Promise<void> {
  await writeFile(join(folder, 'kubectl'), `#!${process.execPath}\n${script}`);
  await chmod(join(folder, 'kubectl'), 0o755);
}

const prelude = `
const fs = require('node:fs');
const config = JSON.parse(fs.readFileSync(process.env.KUBECONFIG, 'utf8'));
const server = config.clusters[0].cluster.server;
fs.writeFileSync(process.env.HOME + '/used', process.env.KUBECONFIG);
`;

async function run(line: string): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await runKubectl({
    split: splitArguments(`${line} --kubeconfig ${folder}/config`.split(' ')),
    env,
    onOutput: (chunk) => (text += chunk),
  });
  return { code, text };
}

/** Whether the kubeconfig that was used last is still there. */
async function leftBehind(): Promise<boolean> {
  return existsSync(await readFile(join(folder, 'used'), 'utf8'));
}

describe('runKubectl', () => {
  it("gives kubectl the user's words without what chooses the parent, and passes its exit code on", async () => {
    await kubectl(`${prelude}
      const { namespace } = config.contexts[0].context;
      const mode = (fs.statSync(process.env.KUBECONFIG).mode & 0o777).toString(8);
      console.log(JSON.stringify({ args: process.argv.slice(2), namespace, mode, secrets: JSON.stringify(config).includes('parent-token') }));
      process.exit(3);`);
    const { code, text } = await run('get pods -o wide --context stub --token parent-token -l a=b');
    expect(code).toBe(3);
    expect(JSON.parse(text)).toEqual({
      args: ['get', 'pods', '-o', 'wide', '-l', 'a=b'],
      namespace: 'shop',
      mode: '600',
      secrets: false,
    });
    expect(await leftBehind()).toBe(false);
  });

  it('rewrites for templates, and goes to the child where one is named', async () => {
    await kubectl(`${prelude}
      fetch(server + '/api/v1/namespaces/shop/secrets').then((answer) => process.exit(answer.status === 200 ? 0 : 1));`);
    parent.handler = ({ line }, response) => {
      const items = [{ metadata: { name: 'eu-1', namespace: 'n' }, spec: { clusterId: '1f2e3d4c-0000-4000-8000-000000000001' } }];
      json(response, line.includes('managedclusters') ? { metadata: {}, items } : {});
    };
    expect((await run('get secrets')).code).toBe(0);
    expect((await run('get secrets --cluster-id eu-1')).code).toBe(0);
    expect((await run(`get secrets --cluster-id eu-1 --child-kubeconfig ${folder}/config`)).code).toBe(0);
    const direct = '/apis/proxies.clusternet.io/v1alpha1/sockets/1f2e3d4c-0000-4000-8000-000000000001/proxy/direct';
    const [shadow, asOneself, withCredential] = parent.received.filter(({ line }) => line.includes('secrets'));
    expect(shadow?.line).toBe('GET /apis/shadow/v1alpha1/namespaces/shop/secrets');
    expect(asOneself?.line).toBe(`GET ${direct}/api/v1/namespaces/shop/secrets`);
    expect(asOneself?.headers).not.toHaveProperty('clusternet-authorization');
    expect(withCredential?.headers).toMatchObject({
      authorization: 'Bearer parent-token',
      'clusternet-authorization': 'Bearer parent-token',
    });
  });

  it('lets kubectl take the templates for all there is', async () => {
    await kubectl(`${prelude}
      const get = async (path) => {
        const answer = await fetch(server + path);
        return [answer.status, await answer.text()];
      };
      (async () => {
        const found = [];
        for (const path of ['/api/v1/namespaces/a/configmaps/x', '/api/v1/namespaces/a', '/api/v1/namespaces/a', '/apis']) found.push(await get(path));
        console.log(JSON.stringify(found));
      })();`);
    parent.handler = ({ line }, response) => {
      if (line === 'GET /apis') json(response, { kind: 'APIGroupList', groups: [{ name: 'apps' }, { name: 'shadow' }] });
      else json(response, { kind: 'Status' }, 404);
    };
    const [object, itsNamespace, namespace, groups] = JSON.parse((await run('get configmap x -n a')).text) as [number, string][];
    expect(object?.[0]).toBe(404);
    expect(itsNamespace?.[0]).toBe(200);
    expect(namespace?.[0]).toBe(404);
    expect(JSON.parse(groups?.[1] ?? '')).toEqual({ kind: 'APIGroupList', groups: [{ name: 'apps' }] });
  });

  it('refuses at once what only makes sense for something that runs', async () => {
    await kubectl('');
    for (const [line, message] of [
      ['rollout undo deployment/web', 'kubectl clusternet rollout undo SUBSCRIPTION'],
      ['rollout status deployment/web', 'kubectl clusternet status SUBSCRIPTION'],
      ['create token sa', 'have no tokens'],
      ['run p --image x -it', 'nobody can attach'],
    ] as const) {
      await expect(run(line)).rejects.toThrow(message);
    }
    expect(parent.received).toEqual([]);
  });

  it('says why a child lets nobody in, which kubectl keeps to itself', async () => {
    const message = 'the agent is not connected';
    await kubectl(`${prelude}
      fetch(server + '/api').then(() => process.exit(1));`);
    parent.handler = (_request, response) => json(response, { kind: 'Status', message }, 503);
    const id = '1f2e3d4c-0000-4000-8000-000000000001';
    await expect(run(`get pods --cluster-id ${id}`)).rejects.toThrow(`${id} cannot be visited: ${message}`);
  });

  it('says what is missing when the parent serves no templates', async () => {
    await kubectl(`${prelude}
      fetch(server + '/api/v1/namespaces/shop/secrets').then(() => process.exit(1));`);
    const missing = (pattern: RegExp): typeof parent.handler => {
      return ({ line }, response) =>
        pattern.test(line)
          ? response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
          : json(response, {});
    };
    parent.handler = missing(/./);
    await expect(run('get secrets')).rejects.toThrow('the hub of Clusternet is not installed there');
    parent.handler = missing(/shadow/);
    await expect(run('get secrets')).rejects.toThrow('featureGates.ShadowAPI=true');
    await kubectl(`${prelude} fetch(server + '/api/v1/namespaces/shop/secrets/s').then(() => process.exit(0));`);
    await expect(run('wait --for=delete secret/s')).rejects.toMatchObject({ exitCode: 1 });
    await kubectl(`${prelude} fetch(server + '/api/v1/namespaces/shop/secrets').then(() => process.exit(1));`);
    parent.handler = (_request, response) => json(response, { kind: 'Status' }, 404);
    expect((await run('get secrets')).code).toBe(1);
  });

  it('says what is missing when the parent leads into no child, and not when it is the child that knows no such path', async () => {
    await kubectl(`${prelude}
      fetch(server + '/api/v1/namespaces/shop/secrets').then(() => process.exit(1));`);
    const line = 'get secrets --cluster-id 1f2e3d4c-0000-4000-8000-000000000001';
    parent.handler = (request, response) =>
      request.line.includes('/apis/proxies.')
        ? response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
        : json(response, {});
    await expect(run(line)).rejects.toThrow('featureGates.SocketConnection=true');
    parent.handler = (request, response) =>
      request.line.includes('/direct/')
        ? response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
        : json(response, {});
    expect((await run(line)).code).toBe(1);
  });

  it('never takes the parent for a child', async () => {
    await kubectl('console.log("ran")');
    await expect(run('get secrets --cluster-id eu-9')).rejects.toThrow('no cluster "eu-9"');
    await expect(run('get secrets --child-kubeconfig x')).rejects.toThrow('name it with --cluster-id');
    await expect(run('logs web')).rejects.toThrow('name a child with --cluster-id');
    await expect(run('rollout status deploy/web')).rejects.toThrow('kubectl clusternet status');
  });

  it('says that the parent cannot be reached, not that its own endpoint cannot', async () => {
    await kubectl(`${prelude} fetch(server + '/api').then(() => setTimeout(() => {}, 60_000));`);
    const { url } = parent;
    await parent[Symbol.asyncDispose]();
    parent = await StubApiServer.start();
    await expect(run('get pods')).rejects.toThrow(`cannot reach ${url}: connection refused: is the API server running`);
    await expect(run('diff -f x.yaml')).rejects.toMatchObject({ exitCode: 2 });
    expect(await leftBehind()).toBe(false);
  });

  it('keeps what kubectl learned about kinds', async () => {
    await kubectl(`${prelude}
      const { host, pathname } = new URL(server);
      const cache = process.env.KUBECACHEDIR + '/discovery/' + host.replace(':', '_') + pathname;
      console.log(fs.existsSync(cache + '/servergroups.json'));
      fs.writeFileSync(cache + '/servergroups.json', '{}');`);
    expect([(await run('get pods')).text, (await run('get pods')).text]).toEqual(['false\n', 'true\n']);
  });

  it('tells of kubectl clusternet in its help', async () => {
    await kubectl('console.log("Examples:\\n  kubectl get pods\\nUse \\"kubectl options\\"")');
    let text = '';
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk: string) => (text += chunk) !== '';
    try {
      await run('get --help');
    } finally {
      process.stdout.write = write;
    }
    expect(text).toContain('  kubectl clusternet get pods\n');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('passes %s on, waits, and leaves nothing behind', async (signal, expected) => {
    await kubectl(`${prelude} console.log('up'); setTimeout(() => {}, 60_000);`);
    const child = spawn(process.execPath, ['--conditions=@clusternet/source', main, 'get', 'pods', '-w'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(expected);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });
});
