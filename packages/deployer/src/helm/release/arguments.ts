// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmReleaseSpec } from '@clusternet/api-types';
import { type ReleaseRef } from './releaseRecord.ts';

const defaultTimeoutSeconds = 300;
const historyMax = 5;

/** Seconds that each step of helm may take. */
export function timeoutSecondsOf({ timeoutSeconds }: HelmReleaseSpec): number {
  return timeoutSeconds !== undefined && timeoutSeconds > 0 ? timeoutSeconds : defaultTimeoutSeconds;
}

/** Arguments that install a chart; the values come as a file of their own. */
export function installArguments(
  release: ReleaseRef,
  o: { spec: HelmReleaseSpec; chart: string; labels: Record<string, string> },
): string[] {
  const { spec } = o;
  return [
    'install',
    ...common(release, o),
    ...flag('--create-namespace', spec.createNamespace ?? true),
    ...flag('--atomic', spec.atomic),
    ...flag('--replace', spec.replace),
  ];
}

/** Arguments that upgrade a release. Values of the past do not live on in it. */
export function upgradeArguments(
  release: ReleaseRef,
  o: { spec: HelmReleaseSpec; chart: string; labels: Record<string, string> },
): string[] {
  const { spec } = o;
  return [
    'upgrade',
    ...common(release, o),
    '--reset-values',
    `--history-max=${historyMax}`,
    ...flag('--atomic', spec.upgradeAtomic),
    ...flag('--force', spec.force),
  ];
}

/** Arguments that take a release away. */
export function uninstallArguments(release: ReleaseRef, spec: HelmReleaseSpec): string[] {
  return [
    'uninstall',
    release.name,
    '--namespace',
    release.namespace,
    `--timeout=${timeoutSecondsOf(spec)}s`,
    '--ignore-not-found',
    ...flag('--wait', spec.wait),
  ];
}

function common(release: ReleaseRef, o: { spec: HelmReleaseSpec; chart: string; labels: Record<string, string> }): string[] {
  const { spec, chart } = o;
  const pairs = Object.entries(o.labels).map(([key, value]) => `${key}=${value}`);
  return [
    release.name,
    chart,
    '--namespace',
    release.namespace,
    `--timeout=${timeoutSecondsOf(spec)}s`,
    `--labels=${pairs.join(',')}`,
    // Jobs are waited for only by who waits.
    ...flag('--wait', spec.wait || spec.waitForJob),
    ...flag('--wait-for-jobs', spec.waitForJob),
    ...flag('--skip-crds', spec.skipCRDs),
    ...flag('--no-hooks', spec.disableHooks),
  ];
}

function flag(name: string, on: boolean | undefined): string[] {
  return on ? [name] : [];
}
