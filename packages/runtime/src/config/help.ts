// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { formatDefault, type Setting } from './setting.ts';

/** What `--help` prints. */
export function helpText(o: {
  name: string;
  description: string;
  settings: readonly Setting[];
  gates: Record<string, boolean>;
}): string {
  const lines = [o.description, '', 'Usage:', `  ${o.name} [flags]`, '', 'Flags:'];
  const builtIn = [
    {
      left: '    --config string',
      right: 'YAML file of settings, named as the flags in camelCase; flags and environment win over it',
    },
    { left: '-h, --help', right: 'print this and exit' },
    { left: '    --print-config', right: 'print the settings in effect, without secrets, and exit' },
    { left: '    --version', right: 'print the version and exit' },
  ];
  const rows = [...o.settings.filter((setting) => !setting.hidden).map((setting) => row(setting, o.gates)), ...builtIn];
  rows.sort((a, b) => a.left.slice(4).localeCompare(b.left.slice(4)));
  const width = Math.max(...rows.map(({ left }) => left.length));
  for (const { left, right } of rows) lines.push(`  ${left.padEnd(width)}   ${right}`);
  lines.push('', 'Each flag can also be set as an environment variable: --kube-api-qps is CLUSTERNET_KUBE_API_QPS.', '');
  return lines.join('\n');
}

function row(setting: Setting, gates: Record<string, boolean>): { left: string; right: string } {
  const dashes = setting.flag === 'v' ? '-v, --v' : `    --${setting.flag}`;
  const type = typeName(setting);
  const parts = [setting.description];
  if (setting.flag === 'feature-gates') {
    const known = Object.entries(gates).map(([name, on]) => `${name}=${on}`);
    if (known.length > 0) parts.push(`(gates and their defaults: ${known.sort().join(', ')})`);
  }
  if (setting.choices.length > 0) parts.push(`(one of ${setting.choices.join(', ')})`);
  const defaultText = formatDefault(setting);
  if (setting.required) parts.push('(required)');
  else if (defaultText !== undefined && !setting.secret) parts.push(`(default ${defaultText})`);
  return { left: type === '' ? dashes : `${dashes} ${type}`, right: parts.filter((part) => part !== '').join(' ') };
}

function typeName(setting: Setting): string {
  if (setting.isDuration) return 'duration';
  switch (setting.kind) {
    case 'boolean':
      return '';
    case 'number':
      return 'number';
    case 'list':
      return 'strings';
    case 'map':
      return 'key=value,...';
    case 'string':
      return 'string';
  }
}
