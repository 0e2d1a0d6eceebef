// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// Stands for a service in the tests of charts: tells what it was started with, and is ready as long as it may read Secrets.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const flags = new Map(process.argv.slice(2).map((arg) => arg.split(/=(.*)/s).slice(0, 2) as [string, string]));
createServer((request, response) => {
  if (request.url !== '/readyz') {
    const kubeconfig = readFileSync(flags.get('--kubeconfig') ?? '', 'utf8');
    response.end(JSON.stringify({ args: process.argv.slice(2), env: process.env, kubeconfig, pid: process.pid }));
    return;
  }
  response.end('ok');
}).listen(Number(flags.get('--secure-port')), flags.get('--bind-address'));
console.log('echo service listens');
