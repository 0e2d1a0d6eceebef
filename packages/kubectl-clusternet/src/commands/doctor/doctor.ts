// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Paint } from '../../output/colours.ts';
import { type Session } from '../session.ts';
import { examine, type Finding, type Verdict } from './checks.ts';

/** Checks an installation; resolves with 1 when something is wrong. */
export async function doctor(session: Session, o: { systemNamespace: string; output?: string }): Promise<number> {
  const { client, output } = session;
  const { gitVersion } = await client.request<{ gitVersion: string }>({ method: 'GET', path: '/version' });
  const parent: Finding = { check: 'parent', verdict: 'ok', message: `Kubernetes ${gitVersion} at ${client.server}` };
  const findings = [parent, ...(await examine({ client, systemNamespace: o.systemNamespace, now: session.now() }))];
  if (o.output === 'json') output.write(`${JSON.stringify(findings, undefined, 2)}\n`);
  else if (o.output === 'yaml') output.write((await import('yaml')).stringify(findings));
  else output.write(findings.map((finding) => lineOf(finding, session)).join('') + verdictOn(findings));
  return findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}

function lineOf({ check, verdict, message, mend }: Finding, { output: { colours } }: Session): string {
  const paint: Record<Verdict, Paint> = {
    ok: colours.good,
    warn: colours.waiting,
    fail: colours.bad,
    skip: colours.faint,
  };
  const first = `${paint[verdict](verdict.padEnd(4))}  ${check}: ${message}\n`;
  return mend === undefined ? first : `${first}      ${colours.faint(`mend: ${mend}`)}\n`;
}

function verdictOn(findings: readonly Finding[]): string {
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  const [failed, warnings] = [count('fail'), count('warn')];
  if (failed === 0) return warnings === 0 ? '\nAll is well.\n' : `\nNothing is broken; ${warnings} to look at.\n`;
  return `\n${failed} broken, ${warnings} to look at.\n`;
}
