// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { StatusError, type User } from '@clusternet/apiserver';
import { type KubeObject } from '@clusternet/api-types';
import { type Access, type ParentAccess } from './access.ts';
import { checkGrant } from './grants.ts';
import { impersonationHeaders } from './impersonation.ts';
import { placeholder } from './placeholder.ts';
import { podStandIn, serviceStandIn } from './standIns.ts';

const jane: User = { name: 'jane', uid: '7', groups: ['dev'], extra: { 'example.io/a': ['1', '2'], empty: [] } };

describe('the name that stands in for one that is taken', () => {
  it.each(['a', 'a'.repeat(63), `${'a'.repeat(54)}.${'b'.repeat(8)}`])('is found again wherever it went: %s', (name) => {
    const { name: other, restore, document } = placeholder({ kind: 'Namespace', metadata: { name } }, name);
    expect(other).not.toBe(name);
    expect(other.length).toBeLessThanOrEqual(63);
    expect(document).toMatchObject({ metadata: { name: other } });
    const answer = JSON.stringify({ metadata: { name: other, labels: { 'kubernetes.io/metadata.name': other } } });
    expect(JSON.parse(restore(answer))).toEqual({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
  });

  it('of a CRD is another group', () => {
    const crd = { kind: 'CustomResourceDefinition', metadata: { name: 'things.example.io' }, spec: { group: 'example.io' } };
    const { document, name, restore } = placeholder(crd, 'things.example.io');
    expect(document).toMatchObject({ metadata: { name }, spec: { group: name.slice('things.'.length) } });
    expect(JSON.parse(restore(JSON.stringify(document)))).toEqual(crd);
  });
});

describe('what stands in for a Pod', () => {
  it('asks for nothing that only the child has', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { serviceAccountName: 'shop', priorityClassName: 'high', containers: [] },
    };
    const standIn = podStandIn(pod);
    expect(standIn?.document['spec']).toEqual({ containers: [], automountServiceAccountToken: false });
    const given = { ...pod, metadata: { name: 'a' }, spec: { containers: [], automountServiceAccountToken: false, priority: 0 } };
    expect(standIn?.restore(given as KubeObject)).toMatchObject({
      spec: { serviceAccountName: 'shop', serviceAccount: 'shop', priorityClassName: 'high', containers: [] },
    });
    expect(podStandIn({ ...pod, apiVersion: 'example.io/v1' })).toBeUndefined();
  });
});

describe('what stands in for a Service', () => {
  const service = { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80, nodePort: 30080 }] } };
  const refusal = (...messages: string[]): StatusError =>
    new StatusError(422, 'invalid', { details: { causes: messages.map((message) => ({ message })) } });

  it('has none of the ports that the parent has given away', () => {
    const standIn = serviceStandIn(service, refusal('Invalid value: 30080: provided port is already allocated'));
    expect(standIn?.document).toMatchObject({ spec: { ports: [{ port: 80 }] } });
    const given = { ...service, metadata: { name: 'a' }, spec: { ports: [{ port: 80, protocol: 'TCP' }] } };
    expect(standIn?.restore(given)).toMatchObject({ spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] } });
  });

  it('is not asked for when something else is wrong', () => {
    expect(serviceStandIn(service, refusal('provided port is already allocated', 'must be between 1 and 65535'))).toBeUndefined();
    expect(serviceStandIn(service, refusal())).toBeUndefined();
  });
});

describe('acting for a user', () => {
  it('names all that is known of him', () => {
    expect(impersonationHeaders(jane, 'one-more')).toEqual({
      'impersonate-user': 'jane',
      'impersonate-group': ['dev', 'one-more'],
      'impersonate-uid': '7',
      'impersonate-extra-example.io%2fa': ['1', '2'],
    });
  });

  const named = (name: string, ...groups: string[]): unknown =>
    impersonationHeaders({ name, groups, extra: {} })['impersonate-group'];

  it('leaves to the parent the groups that it gives him anyway', () => {
    expect(named('jane', 'dev', 'system:authenticated')).toEqual(['dev']);
    expect(named('jane', 'system:authenticated')).toBeUndefined();
    const account = 'system:serviceaccount:shop:deployer';
    const own = ['system:serviceaccounts', 'system:serviceaccounts:shop'];
    expect(named(account, ...own, 'system:authenticated')).toBeUndefined();
    expect(named(account, ...own, 'system:authenticated', 'dev')).toEqual([...own, 'dev']);
  });

  it('names every group of somebody whom it would give others', () => {
    expect(named('system:anonymous', 'system:unauthenticated')).toEqual(['system:unauthenticated']);
    expect(named('jane', 'system:authenticated', 'system:unauthenticated')).toHaveLength(2);
    const account = 'system:serviceaccount:shop:deployer';
    expect(named(account, 'system:serviceaccounts', 'system:authenticated')).toEqual(['system:serviceaccounts']);
    expect(named(account, 'system:serviceaccounts', 'system:serviceaccounts:shop')).toHaveLength(2);
    expect(named(account, 'system:authenticated')).toEqual(['system:authenticated']);
  });

  it('grants nothing in a namespace that the parent lacks but what he holds', async () => {
    const asked: Access[] = [];
    const access = {
      may: (_user: User, wanted: Access) => Promise.resolve(asked.push(wanted) > 0 && wanted.verb === 'get'),
      require: (_user: User, { verb }: Access) =>
        verb === 'bind' ? Promise.reject(new StatusError(403, 'no')) : Promise.resolve(),
    } as unknown as ParentAccess;
    const check = (document: Record<string, unknown>) => checkGrant({ access, user: jane, namespace: 'n', document });
    const rule = (verb: string) => ({ verbs: [verb], apiGroups: ['apps'], resources: ['deployments'] });
    await expect(check({ kind: 'Role', rules: [rule('get')] })).resolves.toBeUndefined();
    await expect(check({ kind: 'Role', rules: [rule('get'), rule('create')] })).rejects.toThrow(
      'not currently held: create deployments.apps',
    );
    await expect(check({ kind: 'RoleBinding', roleRef: { kind: 'ClusterRole', name: 'admin' } })).rejects.toThrow('no');
    expect(asked).toContainEqual({ verb: 'create', group: 'apps', resource: 'deployments', namespace: 'n' });
  });
});
