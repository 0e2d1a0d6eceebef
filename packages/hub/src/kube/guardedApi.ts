// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type ResourceClient } from '@clusternet/client';
import { type Api } from './api.ts';

/**
 * The same API, closed once `signal` is aborted. Several requests make up one pass of a controller: a hub that lost its
 * leadership in the middle of one, or wakes up after a pause, must not send the rest of them.
 */
export function guardedApi(api: Api, signal: AbortSignal): Api {
  return {
    request: async (request) => {
      signal.throwIfAborted();
      return api.request(request);
    },
    resource: <T extends KubeObject>(definition: ResourceDefinition) =>
      new Proxy(api.resource<T>(definition), {
        get: (target: ResourceClient<T>, property: string | symbol) => {
          const member: unknown = Reflect.get(target, property);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) => {
            signal.throwIfAborted();
            return Reflect.apply(member, target, args) as unknown;
          };
        },
      }),
  };
}
