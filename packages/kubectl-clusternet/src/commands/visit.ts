// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { open } from 'node:fs/promises';
import { childKubeConfig, childPath, findCluster, isClusterId } from '@clusternet/client';
import { type SplitArguments } from '../arguments.ts';
import { CliError, UsageError } from '../errors.ts';
import { checkTunnels } from '../missingApi.ts';
import { discoveryCache } from '../kubectl/discoveryCache.ts';
import { startEndpoint } from '../kubectl/endpoint.ts';
import { runProgram } from '../kubectl/runProgram.ts';
import { kubeconfigOf, writeTemporaryKubeconfig } from '../kubectl/temporaryFiles.ts';
import { childLogin } from '../parent/childLogin.ts';
import { loginOf } from '../parent/loginOf.ts';
import { selectParent } from '../parent/selectParent.ts';
import { type Session } from './session.ts';

/** Options of {@link visit}. */
export interface VisitOptions {
  /** Name or id. */
  child: string;
  /** Run with KUBECONFIG set; empty to print or write the kubeconfig. */
  command: string[];
  split: SplitArguments;
  namespace?: string;
  shell?: boolean;
  /** File to write the kubeconfig to. */
  write?: string;
}

/** Gives a kubeconfig for a child through the parent, or runs a program with one. */
export async function visit(session: Session, o: VisitOptions): Promise<number> {
  if (o.split.child.cluster !== undefined) throw new UsageError('"visit" takes the child as its argument, not by --cluster-id');
  const wantsProgram = o.shell === true || o.command.length > 0;
  if (wantsProgram && o.write !== undefined) throw new UsageError('--write is for the kubeconfig itself: leave the command out');
  await checkTunnels(session.client);
  const clusterId = isClusterId(o.child) ? o.child : (await findCluster(session.client, o.child)).spec.clusterId;
  return wantsProgram ? runThere(session, { ...o, clusterId }) : giveKubeconfig(session, { ...o, clusterId });
}

async function giveKubeconfig({ output, client }: Session, o: VisitOptions & { clusterId: string }): Promise<number> {
  if (o.split.child.kubeconfig !== undefined) {
    throw new UsageError(
      'a kubeconfig cannot hold the credential of the child beside your login to the parent: use "visit CHILD -- COMMAND" or --shell',
    );
  }
  const { user, cluster } = loginOf(await selectParent(o.split.parent));
  const server = client.server + childPath(o.clusterId);
  const { stringify } = await import('yaml');
  const kubeconfig = kubeconfigOf({ name: o.child, server, namespace: o.namespace ?? 'default', user, cluster });
  const text = stringify(kubeconfig, { lineWidth: 0 });
  if (o.write === undefined) {
    output.write(text);
    return 0;
  }
  try {
    // Never readable by others, not even for the moment between writing and closing it up.
    await using file = await open(o.write, 'wx', 0o600);
    await file.writeFile(text);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CliError(code === 'EEXIST' ? `${o.write} exists: remove it first, or choose another name` : message, { cause });
  }
  output.note(`wrote ${o.write}: kubectl --kubeconfig ${o.write} get pods`);
  return 0;
}

async function runThere({ config, output }: Session, o: VisitOptions & { clusterId: string }): Promise<number> {
  const login = await childLogin(o.split.child, o.split.parent);
  const target = childKubeConfig(login.wrap(config), o.clusterId, login.credentials);
  await using endpoint = await startEndpoint({ target });
  using kubeconfig = writeTemporaryKubeconfig({
    server: endpoint.url,
    namespace: o.namespace ?? login.namespace ?? 'default',
    name: o.child,
  });
  const [program, ...args] = o.command.length > 0 ? o.command : [process.env['SHELL'] || '/bin/sh'];
  if (o.command.length === 0) output.note(`kubectl acts in ${o.child} now; "exit" brings you back`);
  const server = target.getCurrentCluster()?.server ?? '';
  const cache = discoveryCache({ folder: kubeconfig.folder, endpoint: endpoint.url, server, env: process.env });
  const env = { ...process.env, KUBECONFIG: kubeconfig.path, KUBECACHEDIR: cache };
  return await runProgram({ program: program ?? '', args, env });
}
