// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { AppsV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi, makeInformer, Watch } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority, type KeyPairPem } from '@clusternet/pki';
import { core } from './core.ts';
import { KubeClient } from './kubeClient.ts';
import { json, TestServer } from './testing/testServer.ts';
import { childKubeConfig, findCluster, openChild, withHeaders, wrapKubeConfig } from './wrapKubeConfig.ts';

const id = '1f2e3d4c-0000-4000-8000-000000000001';
const direct = `/apis/proxies.clusternet.io/v1alpha1/sockets/${id}/proxy/direct`;

let authority: CertificateAuthority;
let certificate: KeyPairPem;
let server: TestServer;
const seen: string[] = [];

beforeEach(async () => {
  authority ??= await CertificateAuthority.create();
  certificate ??= await authority.issue('parent');
  seen.length = 0;
  server = await TestServer.start(
    ({ method, url }, response) => {
      seen.push(`${method} ${url}`);
      const list = { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '5' }, items: [] };
      if (!url.includes('watch=true')) return json(response, list);
      response.writeHead(200, { 'content-type': 'application/json' });
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop', resourceVersion: '6' } };
      response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    },
    { tls: certificate && { cert: certificate.cert, key: certificate.key } },
  );
});

afterEach(() => server[Symbol.asyncDispose]());

function parent(path = ''): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'parent', server: server.url + path, caData: Buffer.from(authority.cert).toString('base64'), skipTLSVerify: false },
    { name: 'jane', token: 'parent-token' },
  );
  return config;
}

describe('wrapKubeConfig', () => {
  it('lets the generated APIs, over kept connections, reach shadow objects', async () => {
    await using config = wrapKubeConfig(parent('/base/'));
    const api = config.makeApiClient(CoreV1Api);
    await api.listNamespacedConfigMap({ namespace: 'shop', labelSelector: 'a=b' });
    await api.createNamespacedSecret({ namespace: 'shop', body: { metadata: { name: 's' } } });
    await config.makeApiClient(AppsV1Api).deleteNamespacedDeployment({ namespace: 'shop', name: 'web' });
    expect(seen).toEqual([
      'GET /base/apis/shadow/v1alpha1/namespaces/shop/configmaps?labelSelector=a%3Db',
      'POST /base/apis/shadow/v1alpha1/namespaces/shop/secrets',
      'DELETE /base/apis/shadow/v1alpha1/namespaces/shop/deployments/web',
    ]);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer parent-token'));
    for (let i = 0; i < 9; i++) await api.listNode();
    expect(server.connections).toBeLessThan(4);
  });

  it('asks the real API for what kinds there are', async () => {
    await using config = wrapKubeConfig(parent());
    server.handler = ({ method, url }, response) => {
      seen.push(`${method} ${url}`);
      const resources = [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['get'] }];
      json(response, url.startsWith('/api/v1') ? { kind: 'APIResourceList', groupVersion: 'v1', resources } : { metadata: {} });
    };
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.read({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' } });
    expect(seen).toEqual(['GET /api/v1', 'GET /apis/shadow/v1alpha1/namespaces/shop/configmaps/a']);
  });

  it('lets watches and informers see shadow objects', async () => {
    await using config = wrapKubeConfig(parent());
    const path = '/api/v1/namespaces/shop/configmaps';
    const event = await new Promise((resolve, reject) => {
      new Watch(config)
        .watch(path, {}, (type: string, object: { metadata: { name: string } }) => resolve([type, object.metadata.name]), reject)
        .catch(reject);
    });
    expect(event).toEqual(['ADDED', 'a']);
    const informer = makeInformer(config, path, () =>
      config.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace: 'shop' }),
    );
    const added = new Promise((resolve) => informer.on('add', (object) => resolve(object.metadata?.name)));
    await informer.start();
    await expect(added).resolves.toBe('a');
    await informer.stop();
    expect(seen.every((line) => line.includes('/apis/shadow/v1alpha1/namespaces/shop/configmaps'))).toBe(true);
  });

  it('is not for our own client', async () => {
    await using config = wrapKubeConfig(parent());
    await expect(KubeClient.fromClientNode(config)).rejects.toThrow('for the classes of client-node');
  });
});

describe('childKubeConfig', () => {
  it('goes through the tunnel as oneself', async () => {
    await using config = childKubeConfig(parent(), id);
    await config.makeApiClient(CoreV1Api).listNode();
    expect(seen).toEqual([`GET ${direct}/api/v1/nodes`]);
    const [request] = server.requests;
    expect(Object.keys(request?.headers ?? {}).filter((name) => name.startsWith('clusternet'))).toEqual([]);
  });

  it('carries credentials of the child in headers that are not logged', async () => {
    await using config = childKubeConfig(parent(), id, { token: 'child-token', certPem: 'CERT', keyPem: 'KEY' });
    await config.makeApiClient(CoreV1Api).listNode();
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer parent-token',
      'clusternet-authorization': 'Bearer child-token',
      'clusternet-certificate': Buffer.from('CERT').toString('base64'),
      'clusternet-private-key': Buffer.from('KEY').toString('base64'),
    });
    const options: { headers?: Record<string, string> } = {};
    await config.applyToHTTPSOptions(options);
    expect(options.headers).toMatchObject({ 'clusternet-authorization': 'Bearer child-token' });
  });

  it('refuses what is not an id, and half a key pair', () => {
    expect(() => childKubeConfig(parent(), '../evil')).toThrow('is not a cluster id');
    expect(() => childKubeConfig(parent(), id, { certPem: 'CERT' })).toThrow('needs its private key');
  });
});

describe('openChild', () => {
  const cluster = (name: string, clusterId: string): object => ({ metadata: { name, namespace: name }, spec: { clusterId } });

  beforeEach(() => {
    server.handler = ({ method, url }, response) => {
      seen.push(`${method} ${url}`);
      const items = [cluster('eu-1', id), cluster('us', 'other'), cluster('us', 'another')];
      json(response, { kind: 'List', apiVersion: 'v1', metadata: {}, items: url.includes('managedclusters') ? items : [] });
    };
  });

  it('gives clients of a child by its name', async () => {
    await using child = await openChild({ parent: parent(), cluster: 'eu-1', credentials: { token: 'child-token' } });
    expect(child.clusterId).toBe(id);
    await child.client.resource(core.pods).list({ namespace: 'shop' });
    await child.config.makeApiClient(CoreV1Api).listNode();
    expect(seen.slice(1)).toEqual([`GET ${direct}/api/v1/namespaces/shop/pods`, `GET ${direct}/api/v1/nodes`]);
    expect(server.requests[1]?.headers['clusternet-authorization']).toBe('Bearer child-token');
  });

  it('says which clusters there are', async () => {
    await expect(openChild({ parent: parent(), cluster: 'eu-2' })).rejects.toThrow('no cluster "eu-2"');
    await using client = await KubeClient.fromClientNode(parent());
    await expect(findCluster(client, 'us')).rejects.toThrow('2 clusters are called "us"');
  });
});

it('repeats a header that has several values', async () => {
  await using config = withHeaders(parent(), { 'impersonate-user': 'joe', 'impersonate-group': ['a', 'b'] });
  const received = new Promise<string[]>((resolve) => {
    server.handler = (_request, response) => {
      resolve(response.req.rawHeaders.filter((_, i, all) => all[i - 1]?.toLowerCase() === 'impersonate-group'));
      json(response, { items: [] });
    };
  });
  await using client = await KubeClient.fromClientNode(config);
  await client.resource(core.pods).list();
  await expect(received).resolves.toEqual(['a', 'b']);
  await config.makeApiClient(CoreV1Api).listNode();
  expect(server.requests[1]?.headers['impersonate-group']).toBe('a, b');
});
