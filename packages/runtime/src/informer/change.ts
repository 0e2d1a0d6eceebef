// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';

/** A difference between what was known of an object and what is known now. */
export interface Change<T extends KubeObject> {
  type: 'added' | 'modified' | 'deleted';
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  key: string;
  /** The object as it is now; for `deleted` the last state known, which may be older than the object's end. */
  object: T;
  /** The state before, for `modified`. */
  previous?: T;
}
