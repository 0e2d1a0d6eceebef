// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { string } from './dsl.ts';
import { kindOf } from './kind.ts';

/** The tunnel of a child; only its `proxy` subresource is of use. Served by the hub, stored nowhere. */
export const socketSchema = kindOf(resources.sockets, 'The tunnel to a cluster.', {
  path: string('Path that the request goes to in the cluster.').optional(),
});
export type Socket = z.input<typeof socketSchema>;
