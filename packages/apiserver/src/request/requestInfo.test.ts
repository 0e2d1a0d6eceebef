// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { requestInfo } from './requestInfo.ts';
import { StatusError } from './statusError.ts';
import { parseTarget } from './target.ts';

const read = (method: string, url: string) => requestInfo(method, parseTarget(url, 'hub:443'));

describe('requestInfo', () => {
  it.each([
    ['GET', '/apis/g/v/things', 'list'],
    ['GET', '/apis/g/v/things/', 'list'],
    ['GET', '/apis/g/v/things/a', 'get'],
    ['HEAD', '/apis/g/v/things/a', 'get'],
    ['GET', '/apis/g/v/things?watch=1', 'watch'],
    ['GET', '/apis/g/v/things?watch', 'watch'],
    ['GET', '/apis/g/v/things?watch=false', 'list'],
    ['GET', '/apis/g/v/things?watch=0&watch=1', 'list'],
    ['POST', '/apis/g/v/things', 'create'],
    ['PUT', '/apis/g/v/things/a', 'update'],
    ['PATCH', '/apis/g/v/things/a', 'patch'],
    ['DELETE', '/apis/g/v/things/a', 'delete'],
    ['DELETE', '/apis/g/v/things', 'deletecollection'],
    ['OPTIONS', '/apis/g/v/things/a/proxy', 'options'],
    ['GET', '/metrics', 'get'],
    ['POST', '/apis/g/v', 'post'],
  ])('%s %s is %s', (method, url, verb) => {
    expect(read(method, url).verb).toBe(verb);
  });

  it('tells namespace, resource, name and subresource apart', () => {
    expect(read('GET', '/apis/g/v/namespaces/ns/things/a%3Ab/scale')).toMatchObject({
      isResource: true,
      group: 'g',
      version: 'v',
      namespace: 'ns',
      resource: 'things',
      name: 'a:b',
      subresource: 'scale',
      rawSuffix: '',
    });
    expect(read('GET', '/apis/g/v/namespaces/ns')).toMatchObject({ namespace: 'ns', resource: 'namespaces', name: 'ns' });
    expect(read('PUT', '/apis/g/v/namespaces/ns/status')).toMatchObject({
      resource: 'namespaces',
      name: 'ns',
      subresource: 'status',
    });
    expect(read('GET', '/apis/g/v')).toMatchObject({ isResource: false, path: '/apis/g/v' });
  });

  it('authorizes the name that a field selector leaves', () => {
    expect(read('GET', '/apis/g/v/things?fieldSelector=metadata.name%3Da')).toMatchObject({ name: undefined, selectedName: 'a' });
    expect(read('GET', '/apis/g/v/things?fieldSelector=metadata.name!%3Da').selectedName).toBeUndefined();
    expect(read('DELETE', '/apis/g/v/things?fieldSelector=metadata.name%3Da').selectedName).toBeUndefined();
  });

  it('keeps what follows the subresource as it came', () => {
    const { rawSuffix } = read('GET', '/apis/g/v/sockets/c/proxy/direct//api/v1/a%2Fb/c%20d/?x=%2F');
    expect(rawSuffix).toBe('/direct//api/v1/a%2Fb/c%20d/');
    expect(read('GET', '/apis/g/v/sockets/c/proxy').rawSuffix).toBe('');
    expect(read('GET', '/apis/g/v/sockets/c/proxy/').rawSuffix).toBe('/');
  });

  it.each([
    '/apis/g/v/sockets/c/proxy/../../x',
    '/apis/g/v/sockets/c/proxy/direct/./x',
    '/apis/g/v/sockets/c/proxy/direct/%2e%2e/x',
    '/apis/g/v/sockets/c/proxy/direct/.%2E/x',
    '/apis/g/v/sockets/c/proxy/direct/..%2fx',
    '/apis/g/v/sockets/c/proxy/direct/a%2F..%2Fb',
    '/apis/g/v/sockets/c/proxy/direct/..;/x',
    '/apis/g/v/sockets/c/proxy/direct/..;a=b/x',
    '/apis/g/v/sockets/c/proxy/direct/a%00',
    '/apis/g/v/sockets/c/proxy/direct/a%0d%0ab',
    '/apis/g/v/sockets/c/proxy/direct/a%5cb',
    '/apis/g/v/sockets/c/proxy/direct/a%zz',
    '/apis/g/v/sockets/c/proxy/direct/a%ff',
    '/apis/g/v/sockets/c%2Fproxy/direct',
    '/apis/g/v/sockets/c%252Fproxy',
    '/apis/g/v/%73ockets/c',
    '/apis/%67/v/sockets/c',
    '/apis/g/v/sockets//proxy',
    '/apis/g/v/sockets/c//direct',
    '//apis/g/v/sockets/c/proxy',
    '/apis//v/sockets',
    '/healthz//x',
    '/a\\b',
    '/a b',
    '/a#b',
    '/a\u00e9',
    '*',
    'hub:443',
    'http://hub:443/apis',
    'https://other/apis',
    'https://hub:443@other/apis',
    'https://other@hub:443/apis',
    'HTTPS://hub:443\\@x/apis',
    `/${'a'.repeat(20_000)}`,
  ])('refuses %s', (url) => {
    expect(() => read('GET', url)).toThrow(StatusError);
  });

  it('takes an absolute URL of the own host', () => {
    expect(read('GET', 'https://HUB:443/apis/g/v/things')).toMatchObject({ group: 'g', resource: 'things' });
  });

  it('reads any path or refuses it with 400, and never lets a suffix climb', () => {
    const segment = fc.constantFrom(
      'a',
      '..',
      '.',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      '',
      ';',
      '..;x',
      '%00',
      '%25',
      'proxy',
      '%c3%a9',
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        try {
          const { rawSuffix } = read('GET', `/apis/g/v/sockets/c/proxy/${segments.join('/')}`);
          const base = 'https://h/base';
          const resolved = new URL(base + rawSuffix.replaceAll(/%2f/gi, '/'));
          expect(resolved.pathname.startsWith('/base')).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 400 });
        }
      }),
    );
  });
});
