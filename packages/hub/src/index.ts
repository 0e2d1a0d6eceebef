// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { type HubConfig, hubConfig, hubGates } from './config.ts';
export { type HubOptions, lead } from './hub.ts';
