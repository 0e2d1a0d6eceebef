// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonSchemas } from './jsonSchemas.ts';
import { resources } from './resources.ts';

describe('jsonSchemas', () => {
  it('has one for every kind, under group, kind and version', () => {
    expect(jsonSchemas()).toHaveLength(Object.keys(resources).length);
    expect(jsonSchemas().map(({ path }) => path)).toContain('apps.clusternet.io/subscription_v1alpha1.json');
  });

  it.each(jsonSchemas().map(({ path, schema }) => [path, schema] as const))('%s is a valid schema to others', (_path, schema) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(ajv.compile(schema)({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } })).toBe(false);
  });

  it('judges as zod does', () => {
    const entry = jsonSchemas().find(({ path }) => path.includes('/subscription_'));
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(entry?.schema ?? false);
    const good = {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Subscription',
      metadata: { name: 'app' },
      spec: { subscribers: [{ clusterAffinity: {} }], feeds: [{ apiVersion: 'v1', kind: 'Namespace', name: 'a', extra: 1 }] },
    };
    expect(validate(good)).toBe(true);
    expect(validate({ ...good, spec: { ...good.spec, schedulingStrategy: 'Both' } })).toBe(false);
  });
});
