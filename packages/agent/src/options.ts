// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { featureGates, parseClusterLabels } from '@clusternet/api-types';
import { type AgentConfig, missingGates } from './config.ts';
import { RegistrationFault } from './registration/fault.ts';
import { isRegistrationToken } from './registration/token.ts';
import { parseAllowRule, type AllowRule } from './tunnel/dialPolicy.ts';

/** Access to the parent that the operator gives. */
export interface ParentOptions {
  url: string;
  /** Certificates are not verified while registering. */
  insecure: boolean;
  /** Registration token as it is now. @throws RegistrationFault when its file cannot be used. */
  token(): Promise<string>;
  /** CA as it is now, PEM; `undefined` means the system roots. @throws RegistrationFault when its file cannot be used. */
  ca(): Promise<string | undefined>;
}

/** Which labels of nodes the cluster gets. */
export interface NodeLabelOptions {
  prefixes: readonly string[];
  /** Share of the worker nodes, above 0 and up to 1. */
  threshold: number;
}

/** Where predictions come from: the built-in predictor, or one that the operator runs. */
export type PredictorChoice = { port: number } | { address: string; direct: boolean };

/** Checked options of the agent. */
export interface AgentOptions {
  parent: ParentOptions;
  name: string | undefined;
  namePrefix: string;
  namespace: string | undefined;
  type: string;
  syncMode: 'Push' | 'Pull' | 'Dual';
  labels: Record<string, string>;
  advertiseUrl: string | undefined;
  tlsServerName: string | undefined;
  collectFrequencyMs: number;
  updateFrequencyMs: number;
  /** 0: no heartbeats apart from reports. */
  heartbeatFrequencyMs: number;
  useMetricsServer: boolean;
  appPusher: boolean;
  recovery: boolean;
  /** Keep a tunnel to the parent. */
  socketConnection: boolean;
  /** What may be reached through it besides the cluster's own API server. */
  tunnelAllow: AllowRule[];
  tunnelLogging: boolean;
  tunnelReconnectMaxMs: number;
  /** Users of the parent may act here under their own names. */
  visitors: boolean;
  nodeLabels: NodeLabelOptions;
  /** Absent while the gate is off. */
  predictor: PredictorChoice | undefined;
  clusterCidr: string | undefined;
  serviceCidr: string | undefined;
}

/** What is checked across flags: the flags themselves, the gates that are on, the environment. */
export interface OptionsInput {
  config: AgentConfig;
  gates: { enabled(name: string): boolean };
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Checks what single flags cannot say.
 *
 * @throws Error that lists every problem, one a line, so that an operator mends them in one go.
 */
export function resolveOptions({ config, gates, env }: OptionsInput): AgentOptions {
  const problems: string[] = [];
  const attempt = <T>(flag: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(`--${flag}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };

  const url = attempt('cluster-reg-parent-url', () => requireUrl(config.clusterRegParentUrl)) ?? '';
  const advertiseUrl =
    config.clusterAdvertiseUrl && attempt('cluster-advertise-url', () => requireUrl(config.clusterAdvertiseUrl));
  const labels = attempt('cluster-labels', () => parseClusterLabels(config.clusterLabels)) ?? {};
  const ca =
    config.clusterRegParentCa &&
    attempt('cluster-reg-parent-ca', () => requirePem(Buffer.from(config.clusterRegParentCa, 'base64').toString('utf8')));
  if (config.clusterRegParentCa && config.clusterRegParentCaFile) {
    problems.push('--cluster-reg-parent-ca and --cluster-reg-parent-ca-file exclude each other');
  }
  if (config.clusterRegParentInsecure && (config.clusterRegParentCa || config.clusterRegParentCaFile)) {
    problems.push('--cluster-reg-parent-insecure makes no sense with a CA: leave one of them out');
  }
  if (config.clusterRegToken && config.clusterRegTokenFile)
    problems.push('--cluster-reg-token and --cluster-reg-token-file exclude each other');
  if (!config.clusterRegToken && !config.clusterRegTokenFile) {
    problems.push(
      'a registration token is required: give --cluster-reg-token-file, CLUSTERNET_CLUSTER_REG_TOKEN or --cluster-reg-token',
    );
  }
  const token = config.clusterRegToken.trim();
  if (token && !isRegistrationToken(token))
    problems.push('--cluster-reg-token: is neither a bootstrap token nor a ServiceAccount token');
  if (config.clusterSyncMode === 'Push' && !gates.enabled(featureGates.appPusher)) {
    problems.push(
      `--cluster-sync-mode=Push needs --feature-gates=${featureGates.appPusher}=true: nobody would deploy to this cluster`,
    );
  }
  const tunnelAllow = config.tunnelAllow.flatMap((text) => attempt('tunnel-allow', () => [parseAllowRule(text)]) ?? []);
  const socketConnection = gates.enabled(featureGates.socketConnection);
  if (config.visitors && !socketConnection) {
    problems.push(`--visitors needs --feature-gates=${featureGates.socketConnection}=true: visitors come through the tunnel`);
  }
  const predictor = attempt('predictor-addr', () => predictorChoice(config, gates.enabled(featureGates.predictor)));
  if (predictor && !('direct' in predictor && predictor.direct) && !socketConnection) {
    problems.push(
      `feature gate ${featureGates.predictor} needs ${featureGates.socketConnection}=true: the scheduler asks through the tunnel ` +
        '(or --predictor-addr with --predictor-direct-access)',
    );
  }
  for (const prefix of config.labelsAggregatePrefix) {
    if (!labelPrefix.test(prefix)) problems.push(`--labels-aggregate-prefix: "${prefix}" must be the start of a label key`);
  }
  for (const gate of missingGates) {
    if (gates.enabled(gate)) problems.push(`feature gate ${gate} is not available in this version: turn it off`);
  }
  if (problems.length > 0) throw new Error(`the agent cannot start like this:\n${problems.join('\n')}`);

  return {
    parent: {
      url,
      insecure: config.clusterRegParentInsecure,
      token: () => (config.clusterRegTokenFile ? readToken(config.clusterRegTokenFile) : Promise.resolve(token)),
      ca: () => (config.clusterRegParentCaFile ? readCa(config.clusterRegParentCaFile) : Promise.resolve(ca || undefined)),
    },
    name: config.clusterRegName || undefined,
    namePrefix: config.clusterRegNamePrefix,
    namespace: config.clusterRegNamespace || undefined,
    type: config.clusterRegType,
    syncMode: config.clusterSyncMode,
    labels,
    advertiseUrl: advertiseUrl || undefined,
    tlsServerName: config.clusterAdvertiseTlsServerName || undefined,
    collectFrequencyMs: config.clusterStatusCollectFrequency,
    updateFrequencyMs: config.clusterStatusUpdateFrequency,
    heartbeatFrequencyMs: config.clusterHeartbeatFrequency,
    useMetricsServer: config.useMetricsServer,
    appPusher: gates.enabled(featureGates.appPusher),
    recovery: gates.enabled(featureGates.recovery),
    socketConnection,
    tunnelAllow,
    tunnelLogging: config.enableTunnelLogging,
    tunnelReconnectMaxMs: config.tunnelReconnectMaxInterval,
    visitors: config.visitors,
    nodeLabels: { prefixes: config.labelsAggregatePrefix, threshold: config.labelsAggregateThreshold },
    predictor,
    clusterCidr: env.CLUSTER_CIDR || undefined,
    serviceCidr: env.SERVICE_CIDR || undefined,
  };
}

const labelPrefix = /^[a-z0-9A-Z][-a-zA-Z0-9_./]*$/;

function predictorChoice(config: AgentConfig, enabled: boolean): PredictorChoice | undefined {
  const { predictorAddr, predictorDirectAccess: direct, predictorPort } = config;
  if (!enabled) return undefined;
  if (predictorAddr === '') {
    if (direct)
      throw new Error('is required with --predictor-direct-access: the built-in predictor is reached through the tunnel alone');
    return { port: predictorPort };
  }
  const url = URL.canParse(predictorAddr) ? new URL(predictorAddr) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('must be an http:// or https:// URL without user, query or fragment');
  return { address: predictorAddr.replace(/\/+$/, ''), direct };
}

function requireUrl(text: string): string {
  if (text === '') throw new Error('is required');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw new Error('must be an https:// URL');
  if (url.username !== '' || url.password !== '') throw new Error('must not contain credentials');
  return text.replace(/\/+$/, '');
}

function requirePem(text: string): string {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('holds no PEM certificate');
  return text;
}

async function readToken(file: string): Promise<string> {
  const token = (await readInput(file, '--cluster-reg-token-file')).trim();
  if (isRegistrationToken(token)) return token;
  throw new RegistrationFault('InputUnreadable', `the file ${file} holds neither a bootstrap token nor a ServiceAccount token`);
}

async function readCa(file: string): Promise<string> {
  const text = await readInput(file, '--cluster-reg-parent-ca-file');
  try {
    return requirePem(text);
  } catch (error) {
    throw new RegistrationFault('UnknownAuthority', `the file ${file} holds no PEM certificate`, { cause: error });
  }
}

async function readInput(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RegistrationFault('InputUnreadable', `${flag}: the file ${file} cannot be read`, { cause: error });
  }
}
