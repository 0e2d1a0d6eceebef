// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path';
import { type Cluster } from '../cluster.ts';
import { LocalupError } from '../errors.ts';
import { freePort } from '../ports.ts';
import { containerEnvironment, type DataReader } from './environment.ts';
import { commandArguments, entrypointOf, expand, relocate, withFlags } from './expand.ts';
import { type Launch, LocalProcess, nextNumber } from './localProcess.ts';
import { writeMounts } from './mounts.ts';
import { type Container, type Deployment } from './podTemplate.ts';
import { ServiceAccountFiles } from './serviceAccount.ts';

/** A Deployment to run, and how. */
export interface StartWorkloadOptions {
  cluster: Cluster;
  namespace: string;
  /** Name of the Deployment, as it is in the cluster. */
  deployment: string;
  /** The JavaScript file that stands for each image, by the image's repository without registry and tag. */
  entrypoints: Record<string, string>;
  /** The container to run; the first if left out. */
  container?: string;
  /** Further arguments, after those of the chart. */
  extraArgs?: string[];
  /** Further environment, over that of the chart. */
  extraEnv?: Record<string, string>;
}

/** A running service. */
export type Workload = LocalProcess;

/**
 * Starts one replica of a Deployment as a process of this machine: with the arguments and environment that its pod template
 * gives, and the rights of its ServiceAccount and no others. Does not wait until it is ready.
 * @throws LocalupError when the Deployment, or something that it needs, is not there.
 */
export async function startWorkload(options: StartWorkloadOptions): Promise<Workload> {
  const { cluster, namespace } = options;
  const { container, template } = await readDeployment(options);
  const number = nextNumber(cluster, `${namespace}/${options.deployment}`);
  const name = number === 1 ? options.deployment : `${options.deployment}-${number}`;
  const folder = join(cluster.folder, 'services', namespace, name);
  const port = await freePort();
  const credentials = await ServiceAccountFiles.create({
    cluster,
    namespace,
    name: template.spec.serviceAccountName ?? 'default',
    folder: join(folder, 'serviceaccount'),
  });
  const probe = container.readinessProbe?.httpGet;
  return LocalProcess.start({
    cluster,
    name,
    port,
    folder,
    graceMs: Math.min(template.spec.terminationGracePeriodSeconds ?? 30, 30) * 1000,
    ...(probe && { readiness: { scheme: probe.scheme === 'HTTPS' ? 'https' : 'http', path: probe.path ?? '/' } }),
    launch: () => launch({ options, name, folder, port, credentials }),
  });
}

async function launch(parts: {
  options: StartWorkloadOptions;
  name: string;
  folder: string;
  port: number;
  credentials: ServiceAccountFiles;
}): Promise<Launch> {
  const { options, name, folder, port, credentials } = parts;
  const { cluster, namespace } = options;
  const { container, template, entrypoint } = await readDeployment(options);
  const read = dataReader(cluster, namespace);
  await credentials.renew();
  const mounts = await writeMounts({
    root: join(folder, 'mounts'),
    container,
    volumes: template.spec.volumes ?? [],
    read,
    tokenPath: credentials.tokenPath,
  });
  const variables = await containerEnvironment(container, read, {
    name,
    namespace,
    serviceAccountName: template.spec.serviceAccountName ?? 'default',
    ...template.metadata,
  });
  const args = [...commandArguments(container.command), ...(container.args ?? [])];
  const moved = args.map((arg) => relocate(expand(arg, variables), mounts));
  const env = Object.entries(variables).map(([key, value]) => [key, relocate(value, mounts)] as const);
  const flags = {
    '--kubeconfig': credentials.kubeconfigPath,
    '--bind-address': '127.0.0.1',
    '--secure-port': String(port),
  };
  return {
    file: process.execPath,
    args: [entrypoint, ...withFlags([...moved, ...(options.extraArgs ?? [])], flags)],
    env: { ...Object.fromEntries(env), ...options.extraEnv },
  };
}

async function readDeployment(
  options: StartWorkloadOptions,
): Promise<{ container: Container; template: Deployment['spec']['template']; entrypoint: string }> {
  const { cluster, namespace, deployment, entrypoints } = options;
  const found = await cluster.api.find<Deployment>(`/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`);
  if (!found) throw new LocalupError(`${cluster.name} has no Deployment ${namespace}/${deployment}`);
  const { template } = found.spec;
  const { containers } = template.spec;
  const container = options.container === undefined ? containers[0] : containers.find((one) => one.name === options.container);
  if (!container) throw new LocalupError(`Deployment ${namespace}/${deployment} has no container ${options.container ?? ''}`);
  const entrypoint = entrypointOf(container.image, entrypoints);
  if (entrypoint === undefined) throw new LocalupError(`no entrypoint is given for image ${container.image}`);
  return { container, template, entrypoint };
}

function dataReader(cluster: Cluster, namespace: string): DataReader {
  return async (kind, name) => {
    interface Data {
      data?: Record<string, string>;
      binaryData?: Record<string, string>;
    }
    const plural = kind === 'Secret' ? 'secrets' : 'configmaps';
    const found = await cluster.api.find<Data>(`/api/v1/namespaces/${namespace}/${plural}/${name}`);
    if (!found) return undefined;
    const decode = (encoding: BufferEncoding, data: Record<string, string> = {}): [string, Buffer][] =>
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]);
    return Object.fromEntries([
      ...decode(kind === 'Secret' ? 'base64' : 'utf8', found.data),
      ...decode('base64', found.binaryData),
    ]);
  };
}
