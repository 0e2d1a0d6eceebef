// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ApiTypeError, type HelmChart, parseKind, resources, stableStringify } from '@clusternet/api-types';
import { applyOverride, type Override, refuse } from './applyOverride.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** A chart as one cluster gets it. */
export interface RenderedHelm {
  /** The HelmChart after all `overrideChart` entries, without status and without what only an API server sets. */
  chart: HelmChart;
  /** Values for Helm, above those of the chart itself; undefined when no override gives any. */
  values: JsonObject | undefined;
}

/** What of a HelmChart is the same in every cluster. */
const fixed: readonly (readonly string[])[] = [
  ['apiVersion'],
  ['kind'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['spec', 'chart'],
  ['spec', 'targetNamespace'],
];

/**
 * Applies overrides, in the order given, to a chart and its values. Those with `overrideChart` change the HelmChart itself, in which `Helm` is a merge
 * patch; the others change the values, in which `Helm` merges as Helm does with one `-f` after the other. The arguments stay as they are.
 *
 * @throws OverrideError when one does not fit, changes what is the same in every cluster (`spec.chart`, `spec.targetNamespace`, the identity),
 * or leaves a chart or values that are none.
 */
export function renderHelm({ chart, overrides }: { chart: HelmChart; overrides: readonly Override[] }): RenderedHelm {
  const start = plain(chart);
  let document: unknown = start;
  let values: unknown;
  for (const override of overrides) {
    if (override.config.overrideChart === true) {
      const result = applyOverride(document, override, 'chart');
      if (result !== document) checkChart({ before: start, after: result, override });
      document = result;
    } else {
      const result = applyOverride(values ?? {}, override, 'values');
      if (!isJsonObject(result)) throw refuse(override, 'values must be an object');
      if (values !== undefined || Object.keys(result).length > 0) values = result;
    }
  }
  return { chart: document as HelmChart, values: values as JsonObject | undefined };
}

function checkChart({ before, after, override }: { before: unknown; after: unknown; override: Override }): void {
  for (const path of fixed) {
    if (stableStringify(at(before, path)) !== stableStringify(at(after, path))) {
      throw refuse(override, `${path.join('.')} cannot be overridden`, `/${path.join('/')}`);
    }
  }
  try {
    parseKind(resources.helmCharts, after);
  } catch (error) {
    if (!(error instanceof ApiTypeError)) throw error;
    const [issue] = error.issues;
    throw refuse(override, `leaves no valid HelmChart: ${issue?.path ?? ''} ${issue?.message ?? ''}`);
  }
}

function plain({ apiVersion, kind, metadata, spec }: HelmChart): HelmChart {
  const { name, namespace, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
    spec,
  };
}

function at(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isJsonObject(value) ? value[key] : undefined), document);
}
