// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import {
  annotations,
  apiVersionOf,
  createdBy,
  type Description,
  finalizers,
  type HelmChart,
  type HelmRelease,
  type HelmReleaseSpec,
  helmReleaseName,
  labels,
  resources,
} from '@clusternet/api-types';

const longestLabel = 63;

/** A Description that cannot be read. */
export class MalformedDescriptionError extends Error {
  override readonly name = 'MalformedDescriptionError';
}

/** A HelmRelease, and the chart it is for. */
export interface WantedRelease {
  chart: { namespace: string; name: string };
  release: HelmRelease;
}

/**
 * The HelmReleases of a Helm Description, one for each chart.
 *
 * @throws MalformedDescriptionError when its lists are not of one length, or hold something else
 */
export function releasesOf(description: Description): WantedRelease[] {
  const { charts = [], chartRaw = [], raw = [] } = description.spec;
  if (charts.length !== chartRaw.length || charts.length !== raw.length) {
    throw new MalformedDescriptionError(
      `spec.charts, chartRaw and raw must be of one length, and have ${charts.length}, ${chartRaw.length} and ${raw.length} entries`,
    );
  }
  return charts.map((chart, index) => ({ chart, release: releaseOf(description, { chart, index }) }));
}

function releaseOf(
  description: Description,
  { chart, index }: { chart: { namespace: string; name: string }; index: number },
): HelmRelease {
  const rendered = chartOf(description, index);
  const values = Buffer.from(description.spec.raw?.[index] ?? '', 'base64')
    .toString('utf8')
    .trim();
  const { name, namespace } = description.metadata;
  const spec: HelmReleaseSpec = {
    ...rendered.spec,
    releaseName: chart.name,
    ...(values === '' ? {} : { overrides: Buffer.from(values).toString('base64') }),
  };
  return {
    apiVersion: apiVersionOf(resources.helmReleases),
    kind: resources.helmReleases.kind,
    metadata: {
      name: helmReleaseName(name, chart),
      namespace,
      labels: { ...rendered.metadata.labels, ...labelsOf(description) },
      annotations: { ...rendered.metadata.annotations, [annotations.helmChart]: `${chart.namespace}/${chart.name}` },
      finalizers: [finalizers.default],
      ownerReferences: [
        {
          apiVersion: apiVersionOf(resources.descriptions),
          kind: resources.descriptions.kind,
          name,
          uid: description.metadata.uid ?? '',
          controller: true,
        },
      ],
    },
    spec,
  };
}

function chartOf({ spec }: Description, index: number): HelmChart {
  try {
    const chart = JSON.parse(Buffer.from(spec.chartRaw?.[index] ?? '', 'base64').toString('utf8')) as Partial<HelmChart> | null;
    if (!chart?.spec?.repo || !chart.spec.chart || !chart.spec.targetNamespace || !chart.metadata)
      throw new TypeError('not a HelmChart');
    return chart as HelmChart;
  } catch (cause) {
    throw new MalformedDescriptionError(`spec.chartRaw[${index}] is not the JSON of a HelmChart`, { cause });
  }
}

function labelsOf({ metadata }: Description): Record<string, string> {
  const inherited = [labels.clusterId, labels.clusterName, labels.subsName, labels.subsNamespace, labels.subsUid];
  const given = inherited.flatMap((key) => {
    const value = metadata.labels?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    [labels.createdBy]: createdBy.controllerManager,
    [labels.configKind]: resources.descriptions.kind,
    // A label holds less than a name.
    ...(metadata.name.length <= longestLabel ? { [labels.configName]: metadata.name } : {}),
    [labels.configNamespace]: metadata.namespace ?? '',
    [labels.configUid]: metadata.uid ?? '',
    ...Object.fromEntries(given),
  };
}
