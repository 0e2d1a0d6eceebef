// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Base, type Description, type Feed } from '@clusternet/api-types';
import { type Override } from '../overrides/applyOverride.ts';
import { type Undo, type Undone } from '../rollout/undo.ts';

/** What the rendering of objects and that of charts have in common. */
export interface CommonInput {
  base: Base;
  /** The overrides of a feed in the cluster of the Base, in the order of their application. */
  overridesOf?: (feed: Feed) => readonly Override[];
  /** Name of the other Base of the namespace that owns the feed, if one does. */
  ownedBy?: (key: string) => string | undefined;
  /** The Descriptions of the Base as they are. */
  previous: readonly Description[];
  now: Date;
  /** Brings back what was rendered before; it stays, feed by feed, until the feed or an override of it changes. */
  undo?: Undo;
  /** What an undo, this one or an earlier one, holds. */
  undone?: Undone;
}
