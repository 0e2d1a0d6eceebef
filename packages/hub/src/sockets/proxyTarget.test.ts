// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { proxyTarget } from './proxyTarget.ts';

const status = { apiserverURL: 'https://10.0.0.1:6443/' };

function failure(suffix: string, reported: Parameters<typeof proxyTarget>[1]): unknown {
  try {
    return proxyTarget(suffix, reported);
  } catch (error) {
    return (error as { code: number }).code;
  }
}

describe('the target of a proxied request', () => {
  it.each([
    ['/direct', '/'],
    ['/direct/', '/'],
    ['/direct/api/v1/', '/api/v1/'],
    ['/direct/api/v1/a%2Fb//c', '/api/v1/a%2Fb//c'],
    ['/direct//evil.example/x', '//evil.example/x'],
  ])('of %s is %s at the API server that the agent reports', (suffix, path) => {
    expect(proxyTarget(suffix, status)).toEqual({
      stream: { to: 'direct' },
      secure: true,
      host: '10.0.0.1:6443',
      serverName: '10.0.0.1',
      path,
    });
  });

  it('takes path, name and CA of the API server from the report', () => {
    const reported = {
      apiserverURL: 'https://rancher.example/k8s/clusters/c-1/',
      apiserverTLSServerName: 'kubernetes',
      apiserverCABundle: Buffer.from('PEM').toString('base64'),
    };
    expect(proxyTarget('/direct/version', reported)).toMatchObject({
      host: 'rancher.example',
      serverName: 'kubernetes',
      caPem: 'PEM',
      path: '/k8s/clusters/c-1/version',
    });
  });

  it.each([
    ['/https/example.com/x', { to: 'tcp', host: 'example.com', port: 443 }, 'example.com'],
    ['/http/svc.ns.svc:8080', { to: 'tcp', host: 'svc.ns.svc', port: 8080 }, 'svc.ns.svc:8080'],
    ['/http/[fd00::1]:80/', { to: 'tcp', host: 'fd00::1', port: 80 }, '[fd00::1]:80'],
    // Whatever an address is written like, the agent judges what it resolves to.
    ['/http/2130706433/', { to: 'tcp', host: '2130706433', port: 80 }, '2130706433'],
  ])('of %s is what the agent sees there', (suffix, stream, host) => {
    expect(proxyTarget(suffix, status)).toMatchObject({ stream, host, secure: suffix.startsWith('/https') });
  });

  it.each([
    '',
    '/',
    '/file/etc/passwd',
    '/HTTPS/example.com',
    '/https',
    '/https/',
    '/https//example.com',
    '/https/user@example.com',
    '/https/user:secret@example.com',
    '/https/example.com:0',
    '/https/example.com:65536',
    '/https/example.com:',
    '/https/exa%6dple.com',
    '/https/a b',
    '/https/[fd00::1',
    '/https/-example.com',
    '/__proto__/x',
    '/constructor/x',
  ])('is refused for %j', (suffix) => {
    expect(failure(suffix, status)).toBe(400);
  });

  it.each([
    [undefined, 503],
    [{}, 503],
    [{ apiserverURL: '10.0.0.1:6443' }, 500],
    [{ apiserverURL: 'file:///etc/passwd' }, 500],
    [{ apiserverURL: 'https://user:secret@host' }, 500],
  ])('is not known while the agent reports %j', (reported, code) => {
    expect(failure('/direct/', reported)).toBe(code);
  });
});
