// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Outcome } from './conformance.ts';

/** A difference between the real API and the shadow one that is meant. */
interface Meant {
  kinds?: readonly string[];
  action?: RegExp;
  path?: RegExp;
  why: string;
}

/** Every difference that is left, with its reason. */
const meant: readonly Meant[] = [
  {
    action: /^delete( as a dry run)?$/,
    path: /^(?!\/code)/,
    why: 'a deletion is answered with a Status; for some kinds the real API gives the object',
  },
  { kinds: ['Service'], path: /\/(clusterIPs?|ipFamilies|cells\/2|f:spec)\b/, why: 'addresses are given by each child' },
  {
    kinds: ['Service'],
    action: /without a name|wrong name/,
    why: 'a dry run allocates no address, whose own check comes first otherwise',
  },
  {
    kinds: ['Pod'],
    path: /\/(volumes|volumeMounts|priority|preemptionPolicy)\b/,
    why: 'admission of each child adds its own tokens and priorities',
  },
  { kinds: ['Pod'], path: /\/cells\/2$/, why: 'a template has no phase' },
  {
    kinds: ['Pod', 'Job', 'StatefulSet', 'PersistentVolumeClaim', 'PersistentVolume', 'Service', 'NetworkPolicy', 'Deployment'],
    action: /refused/,
    path: /^\/(message|details)/,
    why: 'an invalid object is refused with fewer causes: those about the change itself come only when the object is valid',
  },
  {
    kinds: ['Job'],
    path: /\/(selector|labels|cells\/\d|f:labels|f:selector)\b/,
    why: 'the selector of a Job is made by each child',
  },
  { kinds: ['Namespace'], action: /wrong condition/, why: 'the real API checks the condition twice, and says so in two ways' },
  { kinds: ['Deployment'], path: /\/(annotations|f:annotations|generation)\b/, why: 'controllers annotate real Deployments' },
  { kinds: ['DaemonSet'], path: /\/annotations\b/, why: 'controllers rewrite the annotations of real DaemonSets' },
  { kinds: ['Namespace'], path: /\/(spec|finalizers|f:spec)\b/, why: 'finalizers are set by each child' },
  {
    kinds: ['PersistentVolume', 'PersistentVolumeClaim'],
    path: /\/(finalizers|cells\/\d)\b/,
    why: 'finalizers and phases are set by each child',
  },
  { action: /of what is not there/, why: 'some kinds can be made by an update of the real API; templates never are' },
];

/** The differences of two runs that nobody meant, as lines to read. */
export function unmeant(kind: string, real: readonly Outcome[], shadow: readonly Outcome[]): string[] {
  const lines: string[] = [];
  for (const [index, expected] of real.entries()) {
    const { action, code, body } = expected;
    const actual = shadow[index];
    const report = (path: string, a: unknown, b: unknown): void => {
      const isMeant = meant.some(
        (one) => (one.kinds?.includes(kind) ?? true) && (one.action?.test(action) ?? true) && (one.path?.test(path) ?? true),
      );
      const notComparable = /of what is not there/.test(action) && code !== 404;
      if (notComparable || (isMeant && !(/of what is not there/.test(action) && code === 404))) return;
      lines.push(`${kind}: ${action}: ${path}: real ${shown(a)}, shadow ${shown(b)}`);
    };
    if (actual?.action !== action || actual.code !== code) report('/code', code, actual?.code);
    compare(body, actual?.body, '', report);
  }
  return lines;
}

function compare(a: unknown, b: unknown, path: string, report: (path: string, a: unknown, b: unknown) => void): void {
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  const both =
    typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && Array.isArray(a) === Array.isArray(b);
  if (!both) return report(path, a, b);
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
    compare(left[key], right[key], `${path}/${key}`, report);
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? 'nothing';
}
