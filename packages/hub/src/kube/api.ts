// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { type Informer } from '@clusternet/runtime';

/** What the controllers need of the parent's API server; a `KubeClient`, or a small fake in unit tests. */
export type Api = Pick<KubeClient, 'resource' | 'request'>;

/** What the controllers need of a shared informer. Its objects are never changed in place. */
export type Store<T extends KubeObject> = Pick<Informer<T>, 'get' | 'list' | 'byIndex' | 'onChange'>;
