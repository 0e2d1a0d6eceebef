// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { feedKey } from '@clusternet/api-types';
import { type Plugin } from '../framework/plugin.ts';
import { status } from '../framework/status.ts';

/** Dividing needs to know the replicas of every feed: holds a Subscription until its FeedInventory lists the feeds that it has. */
export const feedInventoryReady: Plugin = {
  name: 'FeedInventory',
  preFilter({ subscription, inventory }) {
    const { spec, metadata } = subscription;
    if (spec.schedulingStrategy !== 'Dividing') return undefined;
    const named = `FeedInventory ${metadata.namespace ?? ''}/${metadata.name}`;
    if (inventory === undefined) {
      return status(
        'UnschedulableAndUnresolvable',
        `waits for ${named}, which the hub makes once every feed exists (feature gate FeedInventory), or a controller of your own`,
      );
    }
    const wanted = spec.feeds.map(feedKey);
    const listed = inventory.spec.feeds.map(feedKey);
    if (wanted.join('\n') !== listed.join('\n')) {
      return status('UnschedulableAndUnresolvable', `waits for ${named} to list the feeds of the Subscription, in their order`);
    }
    const odd = inventory.spec.feeds.find(({ desiredReplicas = 0 }) => desiredReplicas < 0);
    if (odd === undefined) return undefined;
    return status('UnschedulableAndUnresolvable', `${named} wants ${odd.desiredReplicas} replicas of ${feedKey(odd)}`);
  },
};
