// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { findCondition, type NewCondition, setCondition } from './conditions.ts';
export { FeatureGates } from './gates.ts';
export { createLogger, type LoggerOptions } from './logging/createLogger.ts';
export { type LogFields, type Logger, type LogLevel, silentLogger } from './logging/logger.ts';
export { isSecretKey, redact, redacted, redactText } from './logging/redact.ts';
export { type MetricOptions, Metrics } from './metrics/metrics.ts';
export { type Change } from './informer/change.ts';
export { dropManagedFields, Informer, type InformerOptions } from './informer/informer.ts';
export { type Indexer } from './informer/store.ts';
export { TerminalError } from './queue/terminalError.ts';
export { type Reconcile, type ReconcileContext, WorkQueue, type WorkQueueOptions } from './queue/workQueue.ts';
export { electLeader, type ElectionOptions } from './election/electLeader.ts';
export { EventRecorder, type EventRecorderOptions, type NewEvent } from './events/eventRecorder.ts';
export { type BackoffOptions, backoffDelay } from './util/backoff.ts';
export { isAvailable } from './util/availability.ts';
export { type Clock, systemClock } from './util/clock.ts';
export { closeAll, type Closer, Stack } from './util/closeAll.ts';
export { toError } from './util/errors.ts';
export { guardedSignal } from './util/guardedSignal.ts';
export { retry, type RetryOptions } from './util/retry.ts';
export { aborted, sleep } from './util/sleep.ts';
export { type CommonConfig } from './config/commonConfig.ts';
export { duration, formatDuration, parseDuration } from './config/duration.ts';
export { UsageError } from './config/usageError.ts';
export { type CheckResult, Health, type HealthCheck } from './server/health.ts';
export { answerHealth } from './server/healthRoutes.ts';
export { ServingCertificate, type ServingCertificateOptions } from './server/servingCertificate.ts';
export { type ProcessHost } from './service/processHost.ts';
export { runService, type ServiceOptions } from './service/runService.ts';
export { type ServiceContext } from './service/serviceContext.ts';
