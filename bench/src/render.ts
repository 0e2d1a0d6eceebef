// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** How many renderings a second one core does: a Deployment of 5 KB with three overrides, to the text that goes into a Description. */
import { Buffer } from 'node:buffer';
import { type KubeObject, type OverrideConfig } from '@clusternet/api-types';
import { type Override, renderObject } from '@clusternet/override-engine';
import { type Bench, median, round } from './bench.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 10);
const rendersPerRound = 10_000;
const objectBytes = 5 * 1024;
/** What is asked for. */
const goal = 10_000;

const configs: OverrideConfig[] = [
  { name: 'replicas', type: 'JSONPatch', value: '[{"op":"replace","path":"/spec/replicas","value":3}]' },
  {
    name: 'registry',
    type: 'JSONPatch',
    value: '- {op: replace, path: /spec/template/spec/containers/0/image, value: registry.example/web:2}',
  },
  {
    name: 'region',
    type: 'MergePatch',
    value: 'metadata: {annotations: {region: north}}\nspec: {template: {spec: {nodeSelector: {zone: n1}}}}',
  },
];

export const bench: Bench = {
  name: 'render',
  summary: `a Deployment of ${objectBytes} bytes with ${configs.length} overrides, ${rounds} × ${rendersPerRound} times on one core`,
  async run(log) {
    const object = deployment();
    const overrides: Override[] = configs.map((config, index) => ({
      config,
      index,
      origin: { kind: 'Globalization', name: 'all' },
    }));
    const render = (): string => Buffer.from(JSON.stringify(renderObject({ object, overrides }))).toString('base64');
    const perSecond: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      for (let index = 0; index < rendersPerRound; index++) render();
      perSecond.push((rendersPerRound / (performance.now() - start)) * 1000);
    }
    const figures = {
      bytes: JSON.stringify(object).length,
      rendersPerSecond: round(median(perSecond)),
      slowest: round(Math.min(...perSecond)),
      goal,
    };
    log(`${figures.rendersPerSecond} renderings/s (slowest round ${figures.slowest}); asked for ${goal}`);
    return figures;
  },
};

function deployment(): KubeObject {
  const env: { name: string; value: string }[] = [];
  const object: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1', env }] } },
    },
  };
  while (JSON.stringify(object).length < objectBytes) env.push({ name: `SETTING_${env.length}`, value: `value ${env.length}` });
  return object;
}
