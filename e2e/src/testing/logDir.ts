// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { basename, join } from 'node:path';
import { expect } from '@jest/globals';

/** Where the logs of this suite are kept to be looked at after a failure: its own folder in `E2E_LOG_DIR`, as suites run side by side. */
export function logDir(): string | undefined {
  const folder = process.env['E2E_LOG_DIR'];
  const { testPath } = expect.getState();
  return folder === undefined || testPath === undefined ? folder : join(folder, basename(testPath, '.e2e.test.ts'));
}
