// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A check: undefined when all is well, else what is wrong, without secrets. */
export type HealthCheck = () => string | undefined;

/** The result of one check. */
export interface CheckResult {
  name: string;
  problem: string | undefined;
}

/** Whether a service may be given work (ready) and whether it should be restarted (not alive). */
export class Health {
  readonly #readiness = new Map<string, HealthCheck>();
  readonly #liveness = new Map<string, HealthCheck>();
  #stopping = false;

  /**
   * Adds a readiness check. A service that waits for leadership is ready: it can take over.
   *
   * @returns removes it
   */
  addCheck(name: string, check: HealthCheck): () => void {
    return register(this.#readiness, name, check);
  }

  /**
   * Adds a liveness check. Only for what a restart cures: never a dependency that is away.
   *
   * @returns removes it
   */
  addLivenessCheck(name: string, check: HealthCheck): () => void {
    return register(this.#liveness, name, check);
  }

  /** Makes the service unready for the rest of its life. */
  stop(): void {
    this.#stopping = true;
  }

  ready(): CheckResult[] {
    const shutdown = { name: 'shutdown', problem: this.#stopping ? 'the service is stopping' : undefined };
    return [...this.alive(), ...evaluate(this.#readiness), shutdown];
  }

  alive(): CheckResult[] {
    return [{ name: 'ping', problem: undefined }, ...evaluate(this.#liveness)];
  }
}

function register(checks: Map<string, HealthCheck>, name: string, check: HealthCheck): () => void {
  checks.set(name, check);
  return () => {
    if (checks.get(name) === check) checks.delete(name);
  };
}

function evaluate(checks: Map<string, HealthCheck>): CheckResult[] {
  return [...checks].map(([name, check]) => {
    try {
      return { name, problem: check() };
    } catch {
      return { name, problem: 'the check itself failed' };
    }
  });
}
