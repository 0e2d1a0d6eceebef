// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { splitArguments, strangeFlag } from './arguments.ts';

const split = (line: string): ReturnType<typeof splitArguments> => splitArguments(line.split(' '));

describe('splitArguments', () => {
  it('takes what chooses the parent and leaves the rest in its order', () => {
    const { parent, rest, command } = split(
      '-n shop get pods --context=eu -o wide --kubeconfig /k -s https://x --as jane --as-group a --as-group=b -l app=web',
    );
    expect(rest).toEqual(['-n', 'shop', 'get', 'pods', '-o', 'wide', '-l', 'app=web']);
    expect(command).toBe('get');
    expect(parent).toMatchObject({ context: 'eu', kubeconfig: '/k', server: 'https://x', as: 'jane', asGroups: ['a', 'b'] });
  });

  it('takes what chooses the child', () => {
    const { child, rest } = split('exec web --cluster-id eu-1 --child-kubeconfig=/c --clusternet-as joe -it -- env --context x');
    expect(child).toEqual({ cluster: 'eu-1', kubeconfig: '/c', as: 'joe', asGroups: [] });
    expect(rest).toEqual(['exec', 'web', '-it', '--', 'env', '--context', 'x']);
  });

  it('knows that the value of a flag is no command', () => {
    expect(split('--request-timeout 5s -n get delete pod x').command).toBe('delete');
    expect(split('--namespace=get delete').command).toBe('delete');
    expect(split('--help').command).toBeUndefined();
  });

  it('leaves the user of a role binding to the binding', () => {
    const { parent, rest } = split('create clusterrolebinding x --clusterrole=view --user=jane --user joe --context c');
    expect(parent.user).toBeUndefined();
    expect(parent.context).toBe('c');
    expect(rest).toEqual(['create', 'clusterrolebinding', 'x', '--clusterrole=view', '--user=jane', '--user', 'joe']);
    expect(split('create configmap x --user jane').parent.user).toBe('jane');
    expect(split('set subject -f role.yaml --user=jane').rest).toContain('--user=jane');
    expect(split('set image deploy/x c=y --user=jane').parent.user).toBe('jane');
  });

  it('understands the forms of short and boolean flags', () => {
    expect(split('get pods -shttps://x').parent.server).toBe('https://x');
    expect(split('get pods --insecure-skip-tls-verify').parent.insecureSkipTlsVerify).toBe(true);
    expect(split('get pods --insecure-skip-tls-verify=false').parent.insecureSkipTlsVerify).toBe(false);
    expect(split('get pods -owide --show-labels -A').rest).toEqual(['get', 'pods', '-owide', '--show-labels', '-A']);
  });

  it('finds flags that no command has', () => {
    expect(strangeFlag(split('--foo=x'))).toBe('--foo');
    expect(strangeFlag(split('-x'))).toBe('-x');
    expect(strangeFlag(split('-n shop -v6 --context x -h'))).toBeUndefined();
  });

  it('refuses a flag without its value', () => {
    expect(() => split('get pods --context')).toThrow('flag needs an argument: --context');
  });
});
