// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type KubeObject, labels, releasePhases, type ReleasePhase } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';

/** Name and namespace of a release. */
export interface ReleaseRef {
  name: string;
  namespace: string;
}

/** The newest record of a release, as its labels tell. */
export interface ReleaseRecord {
  /** Name of the Secret that holds it. */
  secret: string;
  revision: number;
  status: ReleasePhase;
  /** When it was last written. */
  modifiedAt: Date | undefined;
  labels: Record<string, string>;
}

/** What a record says inside. */
export interface ReleaseDetails {
  firstDeployed?: string;
  lastDeployed?: string;
  description?: string;
  notes?: string;
  chartName?: string;
  chartVersion?: string;
}

const [pack, unpack] = [promisify(gzip), promisify(gunzip)];
/** Bytes of a record. Helm's own end at a Secret of 1 MiB; whoever may write Secrets in a child may pack more into one than a service can hold. */
const maxRecordBytes = 32 * 1024 * 1024;

type ReleaseSecret = KubeObject & { data?: Record<string, string> };

/** Reads and mends Helm's records of releases, which are Secrets in the namespace of each release. */
export class ReleaseRecords {
  readonly #child: Pick<KubeClient, 'resource'>;

  constructor(child: Pick<KubeClient, 'resource'>) {
    this.#child = child;
  }

  /** The newest record; undefined when there is no such release. Only metadata travels. */
  async newest({ name, namespace }: ReleaseRef, signal?: AbortSignal): Promise<ReleaseRecord | undefined> {
    const { items } = await this.#secrets.listMetadata({ namespace, labelSelector: `owner=helm,name=${name}`, signal });
    const records = items.flatMap((item) => recordOf(item) ?? []);
    return records.sort((a, b) => b.revision - a.revision)[0];
  }

  /** What is written in a record; undefined when it has gone meanwhile, or cannot be read. */
  async details({ secret }: ReleaseRecord, namespace: string, signal?: AbortSignal): Promise<ReleaseDetails | undefined> {
    const found = await this.#secrets.find({ name: secret, namespace }, { signal });
    const text = found && (await releaseText(found));
    return text === undefined ? undefined : detailsOf(text);
  }

  /**
   * Marks a record `failed` whose helm is gone, as helm itself would have done had it been stopped in order: the next upgrade then goes
   * on from there. Nothing happens when it has changed meanwhile.
   */
  async markFailed(record: ReleaseRecord, namespace: string, signal?: AbortSignal): Promise<void> {
    const found = await this.#secrets.find({ name: record.secret, namespace }, { signal });
    if (found === undefined || found.metadata.labels?.['status'] !== record.status) return;
    const text = await releaseText(found);
    const failed =
      text === undefined ? undefined : withStatus(text, 'failed', 'interrupted: the helm that worked on it was stopped');
    if (failed === undefined) {
      throw new Error(`the record ${record.secret} of the release is not as Helm writes it; it has to be put right by hand`);
    }
    const release = Buffer.from((await pack(failed)).toString('base64')).toString('base64');
    const { resourceVersion, labels: present = {} } = found.metadata;
    await this.#secrets.patch(
      { name: record.secret, namespace },
      { metadata: { resourceVersion, labels: { ...present, status: 'failed' } }, data: { release } },
      { type: 'merge', signal },
    );
  }

  get #secrets() {
    return this.#child.resource<ReleaseSecret>(core.secrets);
  }
}

function recordOf({ metadata }: KubeObject): ReleaseRecord | undefined {
  const { labels: present = {}, name } = metadata;
  const revision = Number(present['version']);
  if (!Number.isInteger(revision)) return undefined;
  const status = releasePhases.find((phase) => phase === present['status']) ?? 'unknown';
  const seconds = Number(present['modifiedAt'] ?? present['createdAt']);
  const created = Date.parse(String(metadata.creationTimestamp ?? ''));
  const at = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : created;
  return { secret: name, revision, status, modifiedAt: Number.isNaN(at) ? undefined : new Date(at), labels: present };
}

async function releaseText({ data }: ReleaseSecret): Promise<string | undefined> {
  const encoded = data?.['release'];
  if (encoded === undefined) return undefined;
  try {
    const inner = Buffer.from(Buffer.from(encoded, 'base64').toString('utf8'), 'base64');
    return (await unpack(inner, { maxOutputLength: maxRecordBytes })).toString('utf8');
  } catch {
    return undefined;
  }
}

function detailsOf(text: string): ReleaseDetails | undefined {
  try {
    const { info, chart } = JSON.parse(text) as {
      info?: { first_deployed?: string; last_deployed?: string; description?: string; notes?: string };
      chart?: { metadata?: { name?: string; version?: string } };
    };
    return {
      firstDeployed: info?.first_deployed,
      lastDeployed: info?.last_deployed,
      description: info?.description,
      notes: info?.notes,
      chartName: chart?.metadata?.name,
      chartVersion: chart?.metadata?.version,
    };
  } catch {
    return undefined;
  }
}

/**
 * Changes status and description in the text: values may hold numbers that would not survive being parsed. Helm writes name and info first,
 * and nothing in them before the status can look like it but the description.
 */
export function withStatus(text: string, status: ReleasePhase, description: string): string | undefined {
  const info =
    /^\{"name":"[^"\\]*","info":(\{.*?"status":"[a-z-]+"(?:,"notes":"(?:[^"\\]|\\.)*")?(?:,"resources":[^}]*)?\})/s.exec(text);
  if (!info?.[1]) return undefined;
  try {
    const changed = JSON.stringify({ ...(JSON.parse(info[1]) as object), description, status });
    const start = info[0].length - info[1].length;
    return text.slice(0, start) + changed + text.slice(info[0].length);
  } catch {
    return undefined;
  }
}

/** Labels by which a release is known as ours; `inputs` tells whether another upgrade is needed. */
export function ownLabels(o: { namespace: string; hash: string; inputs: string; adopted: boolean }): Record<string, string> {
  return {
    [labels.releaseOwner]: o.namespace,
    [labels.releaseHash]: o.hash,
    [labels.inputsHash]: o.inputs,
    ...(o.adopted ? { [labels.releaseAdopted]: 'true' } : {}),
  };
}
