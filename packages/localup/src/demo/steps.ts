// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Times the steps of a run and says them as they happen. */
export class Steps {
  readonly #started = Date.now();
  readonly #done: { name: string; seconds: number }[] = [];

  say(line: string): void {
    console.log(`${((Date.now() - this.#started) / 1000).toFixed(1).padStart(6)}s  ${line}`);
  }

  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const start = Date.now();
    const result = await step();
    const seconds = (Date.now() - start) / 1000;
    this.#done.push({ name, seconds });
    this.say(`done: ${name} (${seconds.toFixed(1)} s)`);
    return result;
  }

  /** How long each step took, and all of them. */
  table(): string {
    const total = (Date.now() - this.#started) / 1000;
    const rows = [...this.#done, { name: 'in all', seconds: total }];
    const width = Math.max(...rows.map((row) => row.name.length));
    return rows.map((row) => `${row.name.padEnd(width)}  ${row.seconds.toFixed(1).padStart(6)} s`).join('\n');
  }
}
