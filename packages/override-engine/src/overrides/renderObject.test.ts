// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type OverrideConfig } from '@clusternet/api-types';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Override } from './applyOverride.ts';
import { OverrideError } from './overrideError.ts';
import { renderObject } from './renderObject.ts';

const deployment: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', annotations: { 'example.com/owner': 'a' } },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
};
const configMap: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop' },
  data: {
    'app.yaml': '# a comment\nlog:\n  level: info\nhosts:\n- a\n- b\n',
    'app.json': '{"log":{"level":"info"},"hosts":["a"]}',
    'a/b': 'x: 1\n',
    'c~1d': 'x: 1\n',
    empty: '',
    text: '[1',
    big: '12345678901234567890',
    list: '[1]',
  },
  nested: [{ text: 'x: 1\n' }],
};

const list = (...configs: OverrideConfig[]): Override[] =>
  configs.map((config, index) => ({ config, index, origin: { kind: 'Localization', namespace: 'clusternet-a', name: 'one' } }));
const render = (object: KubeObject, ...configs: OverrideConfig[]): KubeObject =>
  renderObject({ object, overrides: list(...configs) });
const inText = (fieldPath: string, value: string, more: Partial<OverrideConfig> = {}): OverrideConfig => ({
  type: 'FieldMergePatch',
  fieldFormat: 'YAML',
  fieldPath,
  value,
  ...more,
});
const data = (object: KubeObject): Record<string, string> => object['data'] as Record<string, string>;

describe('renderObject', () => {
  it.each<[string, OverrideConfig[], object]>([
    ['nothing', [], {}],
    ['a blank value changes nothing', [{ type: 'MergePatch', value: ' \n' }], {}],
    [
      'JSONPatch as JSON',
      [{ type: 'JSONPatch', value: '[{"op":"replace","path":"/spec/replicas","value":3}]' }],
      { replicas: 3 },
    ],
    ['JSONPatch as YAML', [{ type: 'JSONPatch', value: '- op: replace\n  path: /spec/replicas\n  value: 3' }], { replicas: 3 }],
    ['MergePatch as YAML', [{ type: 'MergePatch', value: 'spec:\n  replicas: 4' }], { replicas: 4 }],
    [
      'the last one wins',
      [
        { type: 'MergePatch', value: 'spec: {replicas: 4}' },
        { type: 'MergePatch', value: 'spec: {replicas: 5}' },
      ],
      { replicas: 5 },
    ],
    [
      'each sees what the one before left',
      [
        { type: 'MergePatch', value: 'spec: {paused: true}' },
        { type: 'JSONPatch', value: '[{op: move, from: /spec/paused, path: /spec/replicas}]' },
      ],
      { replicas: true },
    ],
    [
      'yes and no are booleans, as in YAML of Kubernetes',
      [{ type: 'MergePatch', value: 'spec: {paused: yes, b: off, c: "no"}' }],
      { paused: true, b: false, c: 'no' },
    ],
    ['anchors and merge keys', [{ type: 'MergePatch', value: 'x: &x {replicas: 6}\nspec: {<<: *x}' }], { replicas: 6 }],
  ])('%s', (_, configs, spec) => {
    expect(render(deployment, ...configs)['spec']).toEqual({ ...(deployment['spec'] as object), ...spec });
  });

  it('reaches keys with a slash', () => {
    const rendered = render(deployment, {
      type: 'JSONPatch',
      value: '[{op: remove, path: /metadata/annotations/example.com~1owner}]',
    });
    expect(rendered.metadata.annotations).toEqual({});
  });
});

describe('renderObject: text fields', () => {
  it.each<[string, OverrideConfig, string, string]>([
    ['merges YAML', inText('/data/app.yaml', 'log: {level: debug}'), 'app.yaml', 'hosts:\n- a\n- b\nlog:\n  level: debug\n'],
    [
      'patches YAML',
      inText('/data/app.yaml', '[{op: remove, path: /hosts/0}]', { type: 'FieldJSONPatch' }),
      'app.yaml',
      'hosts:\n- b\nlog:\n  level: info\n',
    ],
    [
      'merges JSON',
      inText('/data/app.json', 'log: null', { fieldFormat: 'JSON' }),
      'app.json',
      '{\n    "hosts": [\n        "a"\n    ]\n}',
    ],
    [
      'patches JSON',
      inText('/data/app.json', '[{op: replace, path: /hosts, value: []}]', { type: 'FieldJSONPatch', fieldFormat: 'JSON' }),
      'app.json',
      '{\n    "hosts": [],\n    "log": {\n        "level": "info"\n    }\n}',
    ],
    ['takes YAML where no format is said', inText('/data/a~1b', 'x: 2', { fieldFormat: undefined }), 'a/b', 'x: 2\n'],
    ['takes an escaped slash', inText('/data/a~1b', 'x: 2'), 'a/b', 'x: 2\n'],
    ['takes a key as it stands', inText('/data/c~1d', 'x: 2'), 'c~1d', 'x: 2\n'],
    ['leaves an empty text empty', inText('/data/empty', 'x: 2'), 'empty', ''],
    ['quotes what would be read as something else', inText('/data/a~1b', 'x: "yes"\nz: "1"'), 'a/b', 'x: "yes"\nz: "1"\n'],
  ])('%s', (_, config, key, text) => {
    const rendered = render(configMap, config);
    expect(data(rendered)).toEqual({ ...data(configMap), [key]: text });
  });

  it('steps into lists', () => {
    expect(render(configMap, inText('/nested/0/text', 'x: 3'))['nested']).toEqual([{ text: 'x: 3\n' }]);
  });
});

describe('renderObject: refuses', () => {
  it.each<[string, KubeObject, OverrideConfig, string]>([
    [
      'a missing path',
      deployment,
      { type: 'JSONPatch', value: '[{op: replace, path: /spec/strategy/type, value: x}]' },
      'replace /spec/strategy/type: there is no /spec/strategy',
    ],
    ['a JSON patch that is an object', deployment, { type: 'JSONPatch', value: 'op: add' }, 'a JSON patch is a list'],
    ['a merge patch that is a list', deployment, { type: 'MergePatch', value: '[1]' }, 'value must be an object'],
    ['a merge patch that is text', deployment, { type: 'MergePatch', value: 'hello' }, 'value must be an object'],
    ['values for what is no chart', deployment, { type: 'Helm', value: 'a: 1' }, 'type Helm is for HelmChart feeds'],
    [
      'overrideChart on what is no chart',
      deployment,
      { type: 'MergePatch', overrideChart: true, value: 'a: 1' },
      'overrideChart is for HelmChart feeds',
    ],
    ['an unknown type', deployment, { type: 'Kustomize' as never, value: 'a: 1' }, 'type Kustomize is not known'],
    ['another name', deployment, { type: 'MergePatch', value: 'metadata: {name: b}' }, 'cannot be overridden'],
    ['another namespace', deployment, { type: 'MergePatch', value: 'metadata: {namespace: null}' }, 'cannot be overridden'],
    ['another kind', deployment, { type: 'MergePatch', value: 'kind: Pod' }, 'cannot be overridden'],
    ['no object at all', deployment, { type: 'JSONPatch', value: '[{op: replace, path: "", value: 3}]' }, 'cannot be overridden'],
    ['broken YAML', deployment, { type: 'MergePatch', value: 'a: {b: c' }, 'value: not valid YAML or JSON at line 1, column'],
    ['a key said twice', deployment, { type: 'MergePatch', value: 'a: 1\na: 2' }, 'at line 2, column 1: duplicate key'],
    ['two documents', deployment, { type: 'MergePatch', value: 'a: 1\n---\nb: 2' }, 'multiple docs'],
    [
      'a number that would lose digits',
      deployment,
      { type: 'MergePatch', value: 'a: 12345678901234567890' },
      'would not be kept exactly',
    ],
    [
      'a key that objects have of their own',
      deployment,
      { type: 'JSONPatch', value: '[{"op":"add","path":"/x","value":{"__proto__":{"y":1}}}]' },
      'the key "__proto__" is not allowed',
    ],
    ['a number that is none', deployment, { type: 'MergePatch', value: 'a: .nan' }, 'JSON cannot hold'],
    [
      'an alias bomb',
      deployment,
      {
        type: 'MergePatch',
        value: `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
          .split('')
          .map((name, i) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefgh'[i]}`).join(',')}]`)
          .join('\n')}`,
      },
      'too many aliases',
    ],
    ['a path without a slash', configMap, inText('data', 'a: 1'), 'fieldPath must start with "/"'],
    ['a missing field', configMap, inText('/data/none', 'a: 1'), 'fieldPath /data/none: there is no /data/none'],
    ['a missing field on the way', configMap, inText('/x/y', 'a: 1'), 'there is no /x'],
    ['an index that is none', configMap, inText('/nested/a/text', 'a: 1'), 'there is no /nested/a'],
    ['a field that is no text', configMap, inText('/data', 'a: 1'), 'the value there is no text'],
    ['a step into text', configMap, inText('/data/text/a', 'a: 1'), 'there is no /data/text/a'],
    ['a text that cannot be read', configMap, inText('/data/text', 'a: 1'), 'the text in /data/text: not valid YAML'],
    [
      'a text that is no JSON',
      configMap,
      inText('/data/app.yaml', 'a: 1', { fieldFormat: 'JSON' }),
      'the text in /data/app.yaml: not valid JSON',
    ],
    ['a text with a number that would lose digits', configMap, inText('/data/big', 'a: 1'), 'would not be kept exactly'],
    ['a merge into a list', configMap, inText('/data/list', 'a: 1'), 'holds no object'],
    [
      'a missing path inside',
      configMap,
      inText('/data/app.yaml', '[{op: remove, path: /nope}]', { type: 'FieldJSONPatch' }),
      'in the text of /data/app.yaml: remove /nope: there is no /nope',
    ],
  ])('%s', (_, object, config, message) => {
    const before = JSON.stringify(object);
    expect(() => render(object, { ...config, name: 'mine' })).toThrow(OverrideError);
    expect(() => render(object, { ...config, name: 'mine' })).toThrow(message);
    expect(() => render(object, { ...config, name: 'mine' })).toThrow(
      `Localization clusternet-a/one: override 1 "mine" (${config.type})`,
    );
    expect(JSON.stringify(object)).toBe(before);
  });
});

describe('renderObject: properties', () => {
  const config = fc.oneof(
    fc
      .record({ replicas: fc.nat(9) })
      .map(({ replicas }): OverrideConfig => ({ type: 'MergePatch', value: JSON.stringify({ spec: { replicas } }) })),
    fc.nat(9).map((value): OverrideConfig => ({
      type: 'JSONPatch',
      value: JSON.stringify([{ op: 'add', path: '/spec/minReadySeconds', value }]),
    })),
    fc.constant<OverrideConfig>({ type: 'JSONPatch', value: '[{"op":"remove","path":"/spec/minReadySeconds"}]' }),
    fc
      .string()
      .map((label): OverrideConfig => ({ type: 'MergePatch', value: JSON.stringify({ metadata: { annotations: { label } } }) })),
  );
  const attempt = (configs: OverrideConfig[]): string => {
    try {
      return JSON.stringify(render(deployment, ...configs));
    } catch (error) {
      return String(error);
    }
  };

  it('gives the same for the same, and changes neither object nor overrides', () => {
    fc.assert(
      fc.property(fc.array(config, { maxLength: 6 }), (configs) => {
        const before = JSON.stringify([deployment, configs]);
        const first = attempt(configs);
        expect(attempt(configs.map((one) => ({ ...one })))).toBe(first);
        expect(JSON.stringify([deployment, configs])).toBe(before);
      }),
    );
  });

  it('applies a list as it would its parts, one after the other', () => {
    fc.assert(
      fc.property(fc.array(config, { maxLength: 6 }), fc.nat(6), (configs, at) => {
        const whole = attempt(configs);
        fc.pre(!whole.startsWith('OverrideError'));
        const half = render(deployment, ...configs.slice(0, at));
        expect(JSON.stringify(render(half, ...configs.slice(at)))).toBe(whole);
      }),
    );
  });
});
