// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type CredentialStore, type StoredRegistration } from '../registration/credentialStore.ts';
import { type ClusterIdentity } from '../registration/identity.ts';
import { type Logger } from '@clusternet/runtime';
import { ParentClock } from '../registration/parentClock.ts';
import { Registrar, type Registration, type RegistrarOptions } from '../registration/registrar.ts';
import { RegistrationReporter } from '../registration/reporter.ts';
import { collectingLogger, type LogLine } from './collectingLogger.ts';
import { FakeParent } from './fakeParent.ts';

/** Token that the fake parent takes for registering. */
export const registrationToken = '07401b.f395accd246ae52d';

/** Thrown by the harness when a test has seen enough. */
export class Enough extends Error {}

/** What a test can change, and what it can count. */
export interface HarnessState {
  stored: StoredRegistration | undefined;
  now: Date;
  parentNow: Date | undefined;
  token: string;
  ca: string | undefined;
  /** Length of each pause, in milliseconds. */
  pauses: number[];
  /** Called with each pause; may change the world, or throw {@link Enough}. */
  onPause: (count: number) => Promise<void> | void;
}

/** See {@link registrarHarness}. */
export interface RegistrarHarness {
  parent: FakeParent;
  state: HarnessState;
  store: CredentialStore;
  clock: ParentClock;
  reporter: RegistrationReporter;
  logger: Logger;
  lines: LogLine[];
  warnings: () => LogLine[];
  events: { type: string; reason: string; message: string }[];
  identity: ClusterIdentity;
  make: () => Registrar;
  sleep: RegistrarOptions['sleep'];
  run: (registrar?: Registrar) => Promise<Registration>;
  signal: AbortSignal;
}

/** A registrar whose whole outside world is in memory: the clock stands, pauses are counted and pass at once. */
export function registrarHarness(flags: Partial<RegistrarOptions['options']> = {}): RegistrarHarness {
  const parent = new FakeParent();
  const { logger, lines } = collectingLogger();
  const events: RegistrarHarness['events'] = [];
  const reporter = new RegistrationReporter(logger, { event: (_object, event) => void events.push(event) });
  const state: HarnessState = {
    stored: undefined,
    now: new Date('2026-01-01T00:00:00Z'),
    parentNow: undefined,
    token: registrationToken,
    ca: 'CA',
    pauses: [],
    onPause: () => undefined,
  };
  const identity: ClusterIdentity = {
    clusterId: '11111111-2222-3333-4444-555555555555',
    lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'clusternet-agent' } },
    systemUid: 'system',
  };
  const store = {
    load: () => Promise.resolve(state.stored && structuredClone(state.stored)),
    save: (registration: StoredRegistration) => {
      state.stored = structuredClone(registration);
      return Promise.resolve();
    },
  };
  const clock = new ParentClock(
    () => Promise.resolve(state.parentNow),
    () => state.now,
  );
  const abort = new AbortController();
  const sleep = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    state.pauses.push(ms);
    try {
      await state.onPause(state.pauses.length);
    } catch (error) {
      abort.abort(error);
      throw error;
    }
  };
  const make = () =>
    new Registrar({
      options: {
        parent: {
          url: 'https://parent:6443',
          insecure: false,
          token: () => Promise.resolve(state.token),
          ca: () => Promise.resolve(state.ca),
        },
        name: undefined,
        namePrefix: 'clusternet-cluster',
        namespace: undefined,
        type: 'StandardCluster',
        syncMode: 'Pull',
        labels: {},
        ...flags,
      },
      identity: () => Promise.resolve(identity),
      store,
      connect: parent.connect,
      clock,
      reporter,
      logger,
      now: () => state.now,
      sleep,
      random: () => 0.5,
    });
  const warnings = () => lines.filter((line) => line.level === 'warn' || line.level === 'error');
  return {
    parent,
    state,
    store,
    clock,
    reporter,
    logger,
    lines,
    warnings,
    events,
    identity,
    make,
    sleep,
    run: (registrar = make()) => registrar.run(abort.signal),
    signal: abort.signal,
  };
}
