// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { Agent, type AgentParts } from './agent.ts';
export { agentConfig, type AgentConfig, agentGates } from './config.ts';
export { type AgentOptions, type OptionsInput, type ParentOptions, resolveOptions } from './options.ts';
