// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { run } from './cli.ts';

// A reader that has seen enough, such as head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(process.argv.slice(2));
