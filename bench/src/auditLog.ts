// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

interface AuditEvent {
  verb: string;
  userAgent?: string;
  user?: { username?: string };
  objectRef?: { resource?: string; subresource?: string; apiGroup?: string };
  responseStatus?: { code?: number };
  stage: string;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** Not objects of the system: questions in the form of a create, and the locks of leader election. */
const NOT_OBJECTS = new Set(['leases', 'tokenreviews', 'subjectaccessreviews', 'selfsubjectreviews', 'serviceaccounts/token']);

/** Counts what the parent's API server has written, from its audit log. */
export class AuditLog {
  readonly #path: string;
  readonly #ownUserAgent: string;
  #offset = 0;

  constructor(path: string, ownUserAgent: string) {
    this.#path = path;
    this.#ownUserAgent = ownUserAgent;
  }

  /** Counting starts here. */
  async mark(): Promise<void> {
    this.#offset = (await stat(this.#path)).size;
  }

  /** Resolves when no counted write has come for two seconds. */
  async quiet(): Promise<void> {
    let last = -1;
    for (;;) {
      const { writes, events } = await this.sinceMark();
      if (writes + events === last) return;
      last = writes + events;
      await delay(2000);
    }
  }

  /** Successful object writes and events since the mark, without the user's own and without Kubernetes' own controllers. */
  async sinceMark(): Promise<{ writes: number; events: number; byKind: Record<string, number> }> {
    const byKind: Record<string, number> = {};
    let [writes, events] = [0, 0];
    for (const line of (await this.#read()).split('\n')) {
      if (line === '') continue;
      let entry: AuditEvent;
      try {
        entry = JSON.parse(line) as AuditEvent;
      } catch {
        continue; // the line being written at this moment
      }
      if (entry.stage !== 'ResponseComplete' || !WRITES.has(entry.verb)) continue;
      if ((entry.responseStatus?.code ?? 500) >= 400 || entry.userAgent?.startsWith(this.#ownUserAgent)) continue;
      if (entry.user?.username?.startsWith('system:') && !entry.user.username.startsWith('system:serviceaccount:clusternet'))
        continue;
      const resource = [entry.objectRef?.resource, entry.objectRef?.subresource].filter(Boolean).join('/');
      if (NOT_OBJECTS.has(resource)) continue;
      const key = `${entry.verb} ${resource}`;
      byKind[key] = (byKind[key] ?? 0) + 1;
      if (resource === 'events') events++;
      else writes++;
    }
    return { writes, events, byKind };
  }

  async #read(): Promise<string> {
    const file = await open(this.#path);
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(Math.max(0, size - this.#offset));
      await file.read(buffer, 0, buffer.length, this.#offset);
      return buffer.toString('utf8');
    } finally {
      await file.close();
    }
  }
}
