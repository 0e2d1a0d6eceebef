// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  type HelmRelease,
  type HelmReleaseSpec,
  type KubeObject,
  labels,
  type ReleasePhase,
} from '@clusternet/api-types';
import { core, isForbidden, isNotFound, type KubeClient } from '@clusternet/client';
import { parseAllDocuments } from 'yaml';
import { type HelmPool, HelmRunError } from '../run/helmPool.ts';
import { type HelmAccess, runHelm } from '../run/helmSession.ts';
import { type CachedChart, type ChartCache } from '../source/chartCache.ts';
import { type ChartCredentials } from '../source/chartRef.ts';
import { ChartSourceError } from '../source/chartSourceError.ts';
import { installArguments, timeoutSecondsOf, uninstallArguments, upgradeArguments } from './arguments.ts';
import { helmErrorOf } from './helmError.ts';
import { inputsHash, releaseHash, releaseRefOf, ValuesError, valuesOf } from './inputs.ts';
import { ownerOf, planRelease } from './plan.ts';
import { ownLabels, type ReleaseDetails, type ReleaseRecord, ReleaseRecords, type ReleaseRef } from './releaseRecord.ts';

/** What a release came to. */
export interface ReleaseOutcome {
  phase: ReleasePhase;
  record?: ReleaseRecord;
  details?: ReleaseDetails;
  /** Why it is not as it should be. */
  problem?: { reason: ReleaseProblem; message: string };
  /** Whether helm was run. */
  worked: boolean;
}

/** Why a release is not as it should be, as one word. */
export type ReleaseProblem =
  'ChartLocateFailure' | 'InvalidValues' | 'OwnedByOther' | 'InstallFailed' | 'UpgradeFailed' | 'UninstallFailed' | 'Waiting';

/** Options of {@link ReleaseWorker}. */
export interface ReleaseWorkerOptions {
  child: Pick<KubeClient, 'request' | 'resource'>;
  access: HelmAccess;
  pool: Pick<HelmPool, 'inTurn' | 'run'>;
  charts: Pick<ChartCache, 'get'>;
  /** Credentials for the repository of a release. @throws ChartSourceError when they are wanted and cannot be had. */
  credentials: (release: HelmRelease, signal: AbortSignal) => Promise<ChartCredentials | undefined>;
  /** Dedicated namespace. */
  namespace: string;
  /** Whether a HelmRelease with that hash of its name exists in the dedicated namespace. */
  isOther: (hash: string) => boolean;
  /** Told when helm begins to work, with what it does. */
  onBegin: (release: HelmRelease, phase: ReleasePhase) => void;
  now: () => Date;
}

/** Steps of one look: healing, and taking away what is left, each lead to another one. */
const maxSteps = 4;
/** helm's own steps (hooks before and after, a roll-back) may take the time-out each. */
const timeoutsPerCall = 3;

/** Brings single releases to what their HelmReleases want. Errors of requests to the child are thrown as they come. */
export class ReleaseWorker {
  readonly #o: ReleaseWorkerOptions;
  readonly #records: ReleaseRecords;

  constructor(options: ReleaseWorkerOptions) {
    this.#o = options;
    this.#records = new ReleaseRecords(options.child);
  }

  /** Installs or upgrades where that is needed. */
  async bring(release: HelmRelease, signal: AbortSignal): Promise<ReleaseOutcome> {
    const { spec } = release;
    const ref = releaseRefOf(release);
    const moved = await this.#leaveOldPlace(release, ref, signal);
    if (moved) return moved;
    const hash = releaseHash(release.metadata.name);
    const inputs = inputsHash(spec);
    let worked = false;
    for (let step = 0; step < maxSteps; step++) {
      const record = await this.#records.newest(ref, signal);
      const plan = planRelease({ spec, record, ...this.#self(hash), inputs, now: this.#o.now() });
      const failed = (reason: ReleaseProblem, message: string, phase: ReleasePhase = 'failed'): Promise<ReleaseOutcome> =>
        this.#outcome(ref, { phase, problem: { reason, message }, worked }, signal);
      if (plan.do === 'refuse') return failed('OwnedByOther', plan.message);
      if (plan.do === 'wait') return failed('Waiting', plan.message, record?.status);
      if (plan.do === 'nothing') return this.#outcome(ref, { phase: record?.status ?? 'unknown', worked }, signal);
      if (plan.do === 'heal') {
        if (record) await this.#records.markFailed(record, ref.namespace, signal);
        continue;
      }
      let chart: CachedChart;
      let values: string;
      try {
        values = valuesOf(spec);
        chart = await this.#chart(release, signal);
      } catch (error) {
        if (error instanceof ValuesError) return failed('InvalidValues', error.message);
        if (error instanceof ChartSourceError) return failed('ChartLocateFailure', error.message);
        throw error;
      }
      if (plan.do === 'reinstall') {
        const message = await this.#uninstall(release, { ref, spec, signal });
        if (message !== undefined) return failed('UninstallFailed', message);
        continue;
      }
      const adopted = record?.labels[labels.releaseAdopted] === 'true' || (plan.do === 'upgrade' && plan.adopt);
      if (plan.do === 'upgrade' && plan.adopt && record) {
        const mismatch = await this.#strange(record, { ref, chart, signal });
        if (mismatch !== undefined) return failed('OwnedByOther', mismatch);
      }
      worked = true;
      this.#o.onBegin(release, plan.do === 'install' ? 'pending-install' : 'pending-upgrade');
      const problem = await this.#helm(plan.do, { ref, spec, chart, values, adopted, inputs, hash, signal });
      if (problem !== undefined) return failed(plan.do === 'install' ? 'InstallFailed' : 'UpgradeFailed', problem);
      return this.#outcome(ref, { phase: 'deployed', worked }, signal);
    }
    const message = 'the release keeps changing while it is worked on; somebody else may be working on it';
    return { phase: 'unknown', problem: { reason: 'Waiting', message }, worked };
  }

  /** Takes the release away; a problem tells that it is still there. */
  async remove(release: HelmRelease, signal: AbortSignal): Promise<ReleaseOutcome> {
    const { releaseName, releaseNamespace } = release.status ?? {};
    const wanted = releaseRefOf(release);
    // Installed under another name or elsewhere before: that one goes too.
    const before = releaseName && releaseNamespace ? { name: releaseName, namespace: releaseNamespace } : wanted;
    const places = before.name === wanted.name && before.namespace === wanted.namespace ? [wanted] : [before, wanted];
    for (const ref of places) {
      const record = await this.#records.newest(ref, signal);
      if (record === undefined || !this.#isOurs(release, record)) continue;
      const message = await this.#uninstall(release, { ref, spec: release.spec, signal });
      if (message !== undefined) {
        return this.#outcome(
          ref,
          { phase: 'uninstalling', problem: { reason: 'UninstallFailed', message }, worked: true },
          signal,
        );
      }
    }
    return { phase: 'uninstalled', worked: true };
  }

  /** A release that was installed by hand before belongs to who did that. */
  #isOurs(release: HelmRelease, record: ReleaseRecord): boolean {
    if (record.labels[labels.releaseAdopted] === 'true') return false;
    return ownerOf(this.#self(releaseHash(release.metadata.name)), record) === 'own';
  }

  #self(hash: string): { namespace: string; hash: string; isOther: (hash: string) => boolean } {
    const { namespace, isOther } = this.#o;
    return { namespace, hash, isOther };
  }

  /** A release keeps neither its name nor its namespace when those of its HelmRelease change: the old one goes first. */
  async #leaveOldPlace(release: HelmRelease, ref: ReleaseRef, signal: AbortSignal): Promise<ReleaseOutcome | undefined> {
    const { releaseName, releaseNamespace } = release.status ?? {};
    if (!releaseName || !releaseNamespace) return undefined;
    if (releaseName === ref.name && releaseNamespace === ref.namespace) return undefined;
    const old = { name: releaseName, namespace: releaseNamespace };
    const record = await this.#records.newest(old, signal);
    if (record === undefined || !this.#isOurs(release, record)) return undefined;
    const message = await this.#uninstall(release, { ref: old, spec: release.spec, signal });
    return message === undefined
      ? undefined
      : { phase: 'uninstalling', problem: { reason: 'UninstallFailed', message }, worked: true };
  }

  async #chart(release: HelmRelease, signal: AbortSignal): Promise<CachedChart> {
    const { repo, chart, version, plainHTTP } = release.spec;
    const credentials = await this.#o.credentials(release, signal);
    const digest = release.metadata.annotations?.[annotations.chartDigest];
    return this.#o.charts.get({ repo, chart, version, plainHTTP }, { credentials, ...(digest ? { digest } : {}), signal });
  }

  /** Why a release that somebody else installed is not taken over. */
  async #strange(
    record: ReleaseRecord,
    { ref, chart, signal }: { ref: ReleaseRef; chart: CachedChart; signal: AbortSignal },
  ): Promise<string | undefined> {
    const details = await this.#records.details(record, ref.namespace, signal);
    if (details?.chartName === chart.contents.name) return undefined;
    return (
      `a release ${ref.name} of another chart (${details?.chartName ?? 'unknown'}) is in namespace ${ref.namespace} already, ` +
      'which was not deployed from here: uninstall it there, or choose another target namespace'
    );
  }

  async #helm(
    verb: 'install' | 'upgrade',
    o: {
      ref: ReleaseRef;
      spec: HelmReleaseSpec;
      chart: CachedChart;
      values: string;
      adopted: boolean;
      inputs: string;
      hash: string;
      signal: AbortSignal;
    },
  ): Promise<string | undefined> {
    const { ref, spec, chart, values, signal } = o;
    if (spec.replaceCRDs && !spec.skipCRDs) {
      const problem = await this.#replaceCrds(chart, signal);
      if (problem !== undefined) return problem;
    }
    const { namespace } = this.#o;
    const given = {
      spec,
      chart: chart.path,
      labels: ownLabels({ namespace, hash: o.hash, inputs: o.inputs, adopted: o.adopted }),
    };
    const args = verb === 'install' ? installArguments(ref, given) : upgradeArguments(ref, given);
    return this.#run(args, { spec, values, signal });
  }

  async #uninstall(
    release: HelmRelease,
    { ref, spec, signal }: { ref: ReleaseRef; spec: HelmReleaseSpec; signal: AbortSignal },
  ): Promise<string | undefined> {
    this.#o.onBegin(release, 'uninstalling');
    const message = await this.#run(uninstallArguments(ref, spec), { spec, signal });
    return message !== undefined && /release: not found/.test(message) ? undefined : message;
  }

  async #run(args: string[], o: { spec: HelmReleaseSpec; values?: string; signal: AbortSignal }): Promise<string | undefined> {
    const { access, pool } = this.#o;
    const timeoutMs = timeoutsPerCall * timeoutSecondsOf(o.spec) * 1000 + 60_000;
    try {
      const { code, stderr } = await runHelm({ pool, access, args, values: o.values, timeoutMs, signal: o.signal });
      return code === 0 ? undefined : helmErrorOf(stderr);
    } catch (error) {
      if (error instanceof HelmRunError) return error.message;
      throw error;
    }
  }

  /** Brings the CRDs of the chart to the state they have in it, objects of theirs untouched: Helm itself never changes a CRD. */
  async #replaceCrds(chart: CachedChart, signal: AbortSignal): Promise<string | undefined> {
    const problems: string[] = [];
    for (const text of chart.contents.crds) {
      for (const document of parseAllDocuments(text, { logLevel: 'error' })) {
        if (document.errors[0]) {
          problems.push(`a file in crds/ is not YAML: ${document.errors[0].message.split('\n')[0]}`);
          continue;
        }
        const object = document.toJS({ maxAliasCount: 100 }) as KubeObject | null;
        if (object?.kind !== 'CustomResourceDefinition') continue;
        try {
          await this.#o.child
            .resource(core.customResourceDefinitions)
            .apply(object, { fieldManager: 'clusternet', force: true, signal });
        } catch (error) {
          problems.push(`CRD ${object.metadata?.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
    return problems.length === 0 ? undefined : problems.join('; ');
  }

  /** What the record says at the end. What helm made of it counts, not what it was told to do. */
  async #outcome(
    ref: ReleaseRef,
    o: Pick<ReleaseOutcome, 'phase' | 'problem' | 'worked'>,
    signal: AbortSignal,
  ): Promise<ReleaseOutcome> {
    const record = await this.#records.newest(ref, signal).catch((error: unknown) => {
      if (isNotFound(error) || isForbidden(error)) return undefined;
      throw error;
    });
    const details = record && (await this.#records.details(record, ref.namespace, signal));
    return { ...o, ...(record ? { record } : {}), ...(details ? { details } : {}) };
  }
}
