// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';

interface AuditEvent {
  verb: string;
  stage: string;
  user?: { username?: string };
  objectRef?: { resource?: string; subresource?: string; namespace?: string };
  responseStatus?: { code?: number };
}

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Counts what the services have written to the parent, from its audit log. */
export class AuditLog {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Counting starts here. */
  async mark(): Promise<void> {
    this.#offset = (await stat(this.#path)).size;
  }

  /**
   * Successful writes of the services' ServiceAccounts since the mark, in all namespaces or those that are asked for:
   * `patch managedclusters/status`, and how many.
   */
  async writes(within: (namespace?: string) => boolean = () => true): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const text = (await readFile(this.#path)).subarray(this.#offset).toString('utf8');
    // The last line may be in the making.
    for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
      if (line === '') continue;
      const { verb, stage, user, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
      if (stage !== 'ResponseComplete' || !writes.has(verb) || (responseStatus?.code ?? 500) >= 400) continue;
      if (!user?.username?.startsWith('system:serviceaccount:clusternet') || !within(objectRef?.namespace)) continue;
      const key = `${verb} ${[objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/')}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }
}
