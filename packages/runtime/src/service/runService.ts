// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { featureGates } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import * as z from 'zod';
import { commonConfig, type CommonConfig } from '../config/commonConfig.ts';
import { helpText } from '../config/help.ts';
import { loadConfig } from '../config/loadConfig.ts';
import { parseFlags } from '../config/parseFlags.ts';
import { printableConfig, printConfig } from '../config/printConfig.ts';
import { type Setting, settingsOf } from '../config/setting.ts';
import { UsageError } from '../config/usageError.ts';
import { electLeader } from '../election/electLeader.ts';
import { LeaseLock } from '../election/leaseLock.ts';
import { FeatureGates } from '../gates.ts';
import { createLogger } from '../logging/createLogger.ts';
import { type Logger } from '../logging/logger.ts';
import { redactText } from '../logging/redact.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Health } from '../server/health.ts';
import { systemClock } from '../util/clock.ts';
import { Stack } from '../util/closeAll.ts';
import { toError } from '../util/errors.ts';
import { collectWhenQuiet } from './collectWhenQuiet.ts';
import { type ProcessHost, realProcess } from './processHost.ts';
import { type ServiceContext } from './serviceContext.ts';

/** Options of {@link runService}. */
export interface ServiceOptions<S extends z.ZodObject> {
  /** Command, Lease and log name, e.g. `clusternet-scheduler`. */
  name: string;
  /** One sentence for `--help`. */
  description: string;
  version: string;
  /** Settings of this service; those of {@link CommonConfig} are added. Fields take `.describe()` and `.meta({ secret, hidden })`. */
  config: S;
  /** Feature gates with their defaults. */
  gates: Record<string, boolean>;
  /** Whether health and metrics get a server of their own on `--secure-port`; false for a service that serves them itself. */
  healthServer?: boolean;
  /** Default: the command line of the process. */
  argv?: string[];
  /** Default: the environment of the process. */
  env?: Record<string, string | undefined>;
  /** The service. Ends by itself never, or when `signal` is aborted. */
  run: (context: ServiceContext<z.infer<S> & CommonConfig>) => Promise<void>;
  /** Default: the real process. */
  host?: ProcessHost;
  /** Makes the client; default: from `--kubeconfig`. */
  connect?: (config: CommonConfig, userAgent: string) => Promise<KubeClient>;
}

/** How long an orderly stop may take before the process ends anyway; below the 30 s that Kubernetes grants. */
const stopGraceMs = 25_000;

/**
 * Runs a service for the life of the process: settings, logger, client, health server, then `run`.
 *
 * @remarks
 * SIGTERM or SIGINT: readiness fails, `signal` is aborted, `run` winds down, the lease is given up, exit 0. A second one exits at once.
 * Wrong usage prints one message with a hint and exits 2; a failed start, or an error of `run`, logs one message and exits 1.
 */
export async function runService<S extends z.ZodObject>(options: ServiceOptions<S>): Promise<void> {
  const host = options.host ?? realProcess();
  try {
    const configured = await configure(options, host);
    host.exit(configured === undefined ? 0 : await serve(options, configured, host));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    host.stderr.write(`${options.name}: ${redactText(error.message)}\nRun '${options.name} --help' for all flags.\n`);
    host.exit(2);
  }
}

interface Configured<C> {
  config: C;
  settings: Setting[];
  gates: FeatureGates;
}

/** The settings, or undefined when the command line only asked for something to be printed. */
async function configure<S extends z.ZodObject>(
  options: ServiceOptions<S>,
  host: ProcessHost,
): Promise<Configured<z.infer<S> & CommonConfig> | undefined> {
  const { name, description, version, gates } = options;
  const schema = z.object({ ...commonConfig(name).shape, ...options.config.shape });
  const settings = settingsOf(schema);
  const flags = parseFlags(options.argv ?? host.argv, settings);
  if (flags.help) host.stdout.write(helpText({ name, description, settings, gates }));
  else if (flags.version) host.stdout.write(`${name} ${version}\n`);
  if (flags.help || flags.version) return undefined;

  const config = (await loadConfig(schema, settings, { flags, env: options.env ?? host.env })) as z.infer<S> & CommonConfig;
  const parsed = parseGates(config.featureGates, gates);
  if (flags.printConfig) {
    host.stdout.write(printConfig(config, settings));
    return undefined;
  }
  return { config, settings, gates: parsed };
}

function parseGates(text: string, own: Record<string, boolean>): FeatureGates {
  // Every component takes the gates of all of them, so that one set of flags can be given to all.
  const others = Object.fromEntries(Object.values(featureGates).map((name) => [name, false]));
  try {
    return FeatureGates.parse(text, { ...others, ...own });
  } catch (error) {
    throw new UsageError(`--feature-gates: ${toError(error).message}`, { cause: error });
  }
}

/** Runs to the end and gives the exit code. */
async function serve<S extends z.ZodObject>(
  options: ServiceOptions<S>,
  { config, settings, gates }: Configured<z.infer<S> & CommonConfig>,
  host: ProcessHost,
): Promise<number> {
  const logger = createLogger({
    name: options.name,
    level: levelOf(config.v),
    format: config.loggingFormat,
    stream: host.stdout,
  });
  const stack = new Stack();
  const abort = new AbortController();
  const health = new Health();
  let exitCode = 0;
  stack.use(collectWhenQuiet());
  stack.use(stopOnSignals({ host, logger, health, abort }));
  stack.use(
    host.onUncaught((error, origin) => {
      logger.error('an error nobody caught; ending', { origin, error: toError(error) });
      host.exit(1);
    }),
  );
  try {
    const on = Object.keys(options.gates).filter((gate) => gates.enabled(gate));
    logger.info('starting', { version: options.version, config: printableConfig(config, settings), gates: on });
    const metrics = new Metrics({ processDefaults: true });
    const connect = options.connect ?? defaultConnect;
    const client = stack.use(await connect(config, `${options.name}/${options.version}`));
    stack.use(metrics.observeClient(client, 'local'));
    if (config.securePort > 0 && (options.healthServer ?? true)) {
      // Loaded here, so that --help and --version do not wait for a web server.
      const { HealthServer } = await import('../server/healthServer.ts');
      const { securePort: port, bindAddress: address, tlsCertFile: certFile, tlsPrivateKeyFile: keyFile } = config;
      stack.use(await HealthServer.start({ health, metrics, client, logger, port, address, certFile, keyFile }));
    }
    const identity = `${hostname()}_${randomUUID()}`;
    const context = { config, logger, metrics, gates, signal: abort.signal, client, health, identity };
    await options.run({ ...context, elect: (run) => elect(context, run) });
    if (!abort.signal.aborted) logger.info('the service ended by itself');
  } catch (error) {
    if (abort.signal.aborted) logger.debug('ended by the stop', { error: toError(error) });
    else {
      logger.error(`${options.name} failed`, { error: toError(error) });
      exitCode = 1;
    }
  }
  abort.abort(new Error('the service is ending'));
  await stack.close().catch((error: unknown) => logger.warn('some parts did not close in order', { error: toError(error) }));
  logger.info('stopped');
  return exitCode;
}

function levelOf(v: number): 'debug' | 'info' | 'warn' {
  if (v >= 4) return 'debug';
  return v >= 1 ? 'info' : 'warn';
}

function stopOnSignals(o: { host: ProcessHost; logger: Logger; health: Health; abort: AbortController }): () => void {
  let stopping = false;
  const off = o.host.onSignal((signal) => {
    if (stopping) {
      o.logger.warn('second signal; ending at once', { signal });
      o.host.exit(1);
      return;
    }
    stopping = true;
    o.logger.info('stopping', { signal });
    o.health.stop();
    o.abort.abort(new Error(`received ${signal}`));
    // Not awaited by anything, so it must not keep the process alive.
    setTimeout(() => {
      o.logger.error('the service did not stop in time; ending', { seconds: stopGraceMs / 1000 });
      o.host.exit(1);
    }, stopGraceMs).unref();
  });
  return off;
}

function defaultConnect(config: CommonConfig, userAgent: string): Promise<KubeClient> {
  const { kubeconfig: path, kubeApiQps: qps, kubeApiBurst: burst } = config;
  return KubeClient.fromKubeConfig({ path, qps, burst, userAgent });
}

type ElectContext = Pick<ServiceContext<CommonConfig>, 'config' | 'logger' | 'metrics' | 'signal' | 'client' | 'identity'>;

async function elect(
  { config, logger, metrics, signal, client, identity }: ElectContext,
  run: (leading: AbortSignal, lease: { uid: string }) => Promise<void>,
): Promise<void> {
  const lease = { client, namespace: config.leaderElectResourceNamespace, name: config.leaderElectResourceName, identity };
  const leaseDurationMs = config.leaderElectLeaseDuration;
  if (!config.leaderElect) {
    const held = await new LeaseLock({ ...lease, leaseDurationMs, clock: systemClock }).ensure(signal);
    return run(signal, held);
  }
  const { leaderElectRenewDeadline: renewDeadlineMs, leaderElectRetryPeriod: retryPeriodMs } = config;
  return electLeader({ ...lease, leaseDurationMs, renewDeadlineMs, retryPeriodMs, logger, metrics, signal, run });
}
