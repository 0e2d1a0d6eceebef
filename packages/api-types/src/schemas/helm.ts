// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { conditions } from './common.ts';
import { boolean, bytes, int32, int64, object, oneOf, string } from './dsl.ts';
import { kindOf } from './kind.ts';

const optionFields = {
  repo: string('URL of the chart repository: http, https or oci.', {
    pattern: /^(http|https|oci)?:\/\/([a-zA-Z]|[0-9]|[$-_@.&+]|[!*(),]|(%[0-9a-fA-F][0-9a-fA-F]))+$/,
    patternMessage: 'must be a URL with scheme http, https or oci',
  }),
  chart: string('Name of the chart in the repository.', { min: 1 }),
  version: string('Version of the chart, or a range of versions; the latest when absent.').optional(),
  chartPullSecret: object('Secret with "username" and "password" for the repository.', {
    name: string('Name of the Secret.').optional(),
    namespace: string('Namespace of the Secret.').optional(),
  }).optional(),
  plainHTTP: boolean('Talk plain HTTP to an OCI registry.').optional(),
  targetNamespace: string('Namespace of the release in the cluster.', { min: 1 }),
  createNamespace: boolean('Create that namespace when it is missing.').default(true),
  timeoutSeconds: int32('Seconds that each Helm operation may take.').default(300),
  wait: boolean('Wait until the objects of the release are ready.').optional(),
  waitForJob: boolean('Wait until its jobs are done, too.').optional(),
  replace: boolean('Reuse the name of a deleted release that is still in the history.').optional(),
  atomic: boolean('Uninstall again when an installation fails.').optional(),
  upgradeAtomic: boolean('Roll back when an upgrade fails.').optional(),
  skipCRDs: boolean('Leave out the CRDs of the chart.').optional(),
  replaceCRDs: boolean('Replace existing CRDs by those of the chart.').optional(),
  disableHooks: boolean('Do not run the hooks of the chart.').optional(),
  force: boolean('Upgrade by replacing objects.').optional(),
};

export const helmChartSpecSchema = object('Where the chart is and how it is installed.', optionFields);
export type HelmChartSpec = z.input<typeof helmChartSpecSchema>;

export const helmChartStatusSchema = object('Whether the chart can be had.', {
  phase: oneOf('Result of the last look into the repository.', ['Found', 'NotFound']).optional(),
  reason: string('Why it was not found.').optional(),
  version: string('The exact version that every cluster gets; a range is resolved once for each change of the spec.').optional(),
  digest: string('Digest of the archive of that version, sha256:HEX, where the repository tells it.').optional(),
  observedGeneration: int64('Generation of the spec that "version" answers.').optional(),
});
export type HelmChartStatus = z.input<typeof helmChartStatusSchema>;

export const helmChartSchema = kindOf(resources.helmCharts, 'A Helm chart that Subscriptions can deploy.', {
  spec: helmChartSpecSchema,
  status: helmChartStatusSchema.optional(),
});
export type HelmChart = z.input<typeof helmChartSchema>;

export const helmReleaseSpecSchema = object('What is installed in one cluster.', {
  ...optionFields,
  releaseName: string('Name of the release; that of this object when absent.').optional(),
  overrides: bytes('Values, as JSON.').optional(),
});
export type HelmReleaseSpec = z.input<typeof helmReleaseSpecSchema>;

/** States of a Helm release. */
export const releasePhases = [
  'unknown',
  'deployed',
  'uninstalled',
  'superseded',
  'failed',
  'uninstalling',
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
] as const;
export type ReleasePhase = (typeof releasePhases)[number];

export const helmReleaseStatusSchema = object('State of the release in the cluster.', {
  firstDeployed: string('When the release was first installed.').optional(),
  lastDeployed: string('When the release was last installed or upgraded.').optional(),
  description: string('What Helm says about the last operation.').optional(),
  phase: string(`State of the release: ${releasePhases.join(', ')}.`).optional(),
  notes: string('Notes of the chart, or the error text.').optional(),
  version: int64('Revision of the release.').optional(),
  chartVersion: string('Version of the chart that is installed.').optional(),
  releaseName: string('Name of the release that was last worked on.').optional(),
  releaseNamespace: string('Namespace of that release.').optional(),
  observedGeneration: int64('Generation of the spec that the phase is about.').optional(),
  conditions: conditions().optional(),
});
export type HelmReleaseStatus = z.input<typeof helmReleaseStatusSchema>;

export const helmReleaseSchema = kindOf(
  resources.helmReleases,
  'A Helm release in one cluster, in the namespace of that cluster.',
  {
    spec: helmReleaseSpecSchema,
    status: helmReleaseStatusSchema.optional(),
  },
);
export type HelmRelease = z.input<typeof helmReleaseSchema>;
