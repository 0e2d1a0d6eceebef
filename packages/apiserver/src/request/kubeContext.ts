// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { type User } from '../authn/user.ts';
import { type RequestInfo } from './requestInfo.ts';

/** What the kit found out about a request before a handler sees it. */
export interface KubeContext {
  user: User;
  /** Credentials for a child that came as extras of the identity, by key in lower case. Never log them. */
  secretExtras: Record<string, string[]>;
  info: RequestInfo;
  /** Exactly as it came, checked. */
  rawPath: string;
  /** Without the question mark. */
  rawQuery: string;
  auditId: string;
  /** Aborted when the client is gone, and for long-running requests when the server is about to stop. */
  signal: AbortSignal;
}

/** A request that was authenticated and authorized. */
export type KubeRequest = IncomingMessage & { readonly kube: KubeContext };

declare module 'http' {
  interface IncomingMessage {
    /** Set on every request that reaches a handler of this kit. */
    kube: KubeContext;
  }
}
