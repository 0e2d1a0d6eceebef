// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmChart, type OverrideConfig } from '@clusternet/api-types';
import { describe, expect, it } from '@jest/globals';
import { type Override } from './applyOverride.ts';
import { OverrideError } from './overrideError.ts';
import { renderHelm } from './renderHelm.ts';

const chart = {
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'HelmChart',
  metadata: { name: 'web', namespace: 'shop', labels: { a: 'b' }, resourceVersion: '7', uid: 'u' },
  spec: { repo: 'https://charts.example', chart: 'nginx', version: '1.0.0', targetNamespace: 'shop', timeoutSeconds: 60 },
  status: { phase: 'Found' },
} as unknown as HelmChart;

function overrides(...configs: OverrideConfig[]): Override[] {
  return configs.map((config, index) => ({ config, index, origin: { kind: 'Globalization', name: 'all' } }));
}

const values = (...texts: string[]): OverrideConfig[] => texts.map((value) => ({ type: 'Helm', value }));

describe('renderHelm: values', () => {
  it.each<[string, OverrideConfig[], unknown]>([
    ['none without overrides', [], undefined],
    ['none for blank values', values('', '  \n'), undefined],
    ['those of one override', values('replicas: 2'), { replicas: 2 }],
    ['the later one wins', values('a: 1', 'a: 2'), { a: 2 }],
    ['tables are merged', values('a: {b: 1, c: 2}', 'a: {c: 3}'), { a: { b: 1, c: 3 } }],
    ['lists are replaced', values('a: [1, 2]', 'a: [3]'), { a: [3] }],
    ['a null takes back what an earlier one set', values('a: 1\nb: 2', 'a: null'), { b: 2 }],
    ['a null that nobody set stays for the default of the chart', values('a: null'), { a: null }],
    ['a scalar replaces a table', values('a: {b: 1}', 'a: 2'), { a: 2 }],
    ['a table replaces a scalar', values('a: 1', 'a: {b: 2}'), { a: { b: 2 } }],
    [
      'status, uid and managedFields are values like any other',
      values('status: on\nmetadata: {uid: 1, managedFields: [x]}'),
      { status: true, metadata: { uid: 1, managedFields: ['x'] } },
    ],
    [
      'JSONPatch on values',
      [...values('a: [1]'), { type: 'JSONPatch', value: '[{op: add, path: /a/-, value: 2}]' }],
      { a: [1, 2] },
    ],
    ['MergePatch on values', [...values('a: 1'), { type: 'MergePatch', value: '{"a":null,"b":2}' }], { b: 2 }],
    [
      'a text field inside of values',
      [...values('config: "x: 1\\n"'), { type: 'FieldMergePatch', value: 'x: 2', fieldPath: '/config', fieldFormat: 'YAML' }],
      { config: 'x: 2\n' },
    ],
    ['changes of the chart are no values', [{ type: 'Helm', overrideChart: true, value: 'spec: {version: 2.0.0}' }], undefined],
  ])('%s', (_, configs, expected) => {
    expect(renderHelm({ chart, overrides: overrides(...configs) }).values).toEqual(expected);
  });
});

describe('renderHelm: the chart itself', () => {
  const { metadata, spec } = chart;
  it('keeps what people wrote and drops what an API server set', () => {
    expect(renderHelm({ chart, overrides: [] }).chart).toEqual({
      apiVersion: chart.apiVersion,
      kind: chart.kind,
      metadata: { name: 'web', namespace: 'shop', labels: metadata.labels },
      spec,
    });
  });

  it.each<[string, OverrideConfig[], unknown]>([
    [
      'Helm is a merge patch',
      [{ type: 'Helm', value: 'spec: {version: 2.0.0, timeoutSeconds: null}' }],
      { version: '2.0.0', timeoutSeconds: undefined },
    ],
    ['MergePatch', [{ type: 'MergePatch', value: 'spec: {wait: true}' }], { wait: true }],
    ['JSONPatch', [{ type: 'JSONPatch', value: '[{op: replace, path: /spec/version, value: 2.0.0}]' }], { version: '2.0.0' }],
    [
      'the later one wins, whatever its type',
      [
        { type: 'Helm', value: 'spec: {version: 2.0.0, wait: true}' },
        { type: 'MergePatch', value: 'spec: {version: 3.0.0}' },
        { type: 'JSONPatch', value: '[{op: remove, path: /spec/wait}]' },
      ],
      { version: '3.0.0', wait: undefined },
    ],
    [
      'the same chart and namespace may be said again',
      [{ type: 'Helm', value: 'spec: {chart: nginx, targetNamespace: shop}' }],
      {},
    ],
  ])('%s', (_, configs, expected) => {
    const rendered = renderHelm({
      chart,
      overrides: overrides(...configs.map((config) => ({ ...config, overrideChart: true }))),
    });
    expect(rendered.values).toBeUndefined();
    expect(rendered.chart.spec).toEqual({ ...spec, ...(expected as object) });
  });
});

describe('renderHelm: refuses', () => {
  const onChart = { type: 'Helm', overrideChart: true } as const;
  it.each<[string, OverrideConfig, string]>([
    ['another chart', { ...onChart, value: 'spec: {chart: other}' }, 'spec.chart cannot be overridden'],
    ['another namespace', { ...onChart, value: 'spec: {targetNamespace: other}' }, 'spec.targetNamespace cannot be overridden'],
    ['another name', { ...onChart, value: 'metadata: {name: other}' }, 'metadata.name cannot be overridden'],
    [
      'an option that is none',
      { ...onChart, value: 'spec: {wait: perhaps}' },
      'leaves no valid HelmChart: spec.wait must be a boolean',
    ],
    ['a list of values', { type: 'Helm', value: '[1]' }, 'value must be an object'],
    ['YAML that is none', { type: 'Helm', value: 'a: [1' }, 'value: not valid YAML or JSON at line 1'],
    [
      'a patch that leaves no object',
      { type: 'JSONPatch', value: '[{op: replace, path: "", value: 1}]' },
      'values must be an object',
    ],
    [
      'a missing path',
      { type: 'JSONPatch', name: 'x', value: '[{op: replace, path: /a/b, value: 1}]' },
      'replace /a/b: there is no /a',
    ],
  ])('%s', (_, config, message) => {
    const run = (): unknown => renderHelm({ chart, overrides: overrides(config) });
    expect(run).toThrow(OverrideError);
    expect(run).toThrow(message);
    expect(run).toThrow(/^Globalization all: override 1 /);
  });

  it('leaves the arguments as they are', () => {
    const before = JSON.stringify(chart);
    const list = overrides({ ...onChart, value: 'spec: {version: 2.0.0}' }, ...values('a: {b: 1}', 'a: {b: 2}'));
    renderHelm({ chart, overrides: list });
    expect(JSON.stringify(chart)).toBe(before);
    expect(renderHelm({ chart, overrides: list })).toEqual(renderHelm({ chart, overrides: list }));
  });
});
