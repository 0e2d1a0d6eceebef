// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';
import { type HelmSettings } from './createHelmEngine.ts';

/** Flags of every service that deploys charts. */
export const helmFlags = {
  helmPath: z.string().default('').describe('path of helm; when empty the one beside this program, then the one on PATH'),
  helmCacheDir: z.string().default('').describe('folder for fetched charts; when empty one among the temporary files'),
  helmConcurrency: z.int().min(1).max(64).default(4).describe('how many helm processes run at a time, over all clusters'),
  helmMemory: z.int().min(64).default(384).describe('MiB that one helm process may take'),
  helmAllow: z
    .array(z.string())
    .default([])
    .describe(
      'address, or range such as 127.0.0.0/8, that charts may be fetched from although it is loopback, link-local or a metadata service; repeatable',
    ),
  helmCaFile: z.string().default('').describe('PEM file with CAs of chart repositories, besides those of the system'),
};

/** The settings that {@link helmFlags} were parsed into. */
export function helmSettings(o: {
  helmPath: string;
  helmCacheDir: string;
  helmConcurrency: number;
  helmMemory: number;
  helmAllow: string[];
  helmCaFile: string;
}): HelmSettings {
  return {
    path: o.helmPath,
    cacheDir: o.helmCacheDir,
    concurrency: o.helmConcurrency,
    memoryMiB: o.helmMemory,
    allow: o.helmAllow,
    caFile: o.helmCaFile,
  };
}
