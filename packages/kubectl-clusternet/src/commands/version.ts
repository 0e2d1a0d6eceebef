// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Tells which build this is. */
export async function version(format: 'json' | 'yaml'): Promise<string> {
  const about = {
    gitVersion: `v${process.env['CLUSTERNET_VERSION'] ?? '0.0.0-development'}`,
    platform: `${process.platform}/${process.arch}`,
    nodeVersion: process.version,
  };
  if (format === 'json') return `${JSON.stringify(about, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(about);
}
