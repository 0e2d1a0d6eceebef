// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// A process that starts clusters and says so; a test then kills it, to see what it leaves.
import { startClusters } from '../clusters.ts';

const set = await startClusters({ parent: true });
console.log(JSON.stringify({ dir: set.dir, supervisor: set.supervisor.pid, pids: Object.values(set.parent.pids) }));
setInterval(() => {}, 1000);
