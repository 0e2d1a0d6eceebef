// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedClusterStatus } from '@clusternet/api-types';
import { type PredictorChoice } from '../options.ts';
import { type Predictor } from './predictor.ts';

/** What the parent is told of the predictor. */
export type PredictorStatus = Pick<ManagedClusterStatus, 'predictorEnabled' | 'predictorAddress' | 'predictorDirectAccess'>;

/** Whether the agent answers itself. */
export function isBuiltIn(choice: PredictorChoice | undefined): choice is { port: number } {
  return choice !== undefined && !('address' in choice);
}

/** Starts the built-in predictor, if it is to run, and says what to report. */
export async function reportedPredictor(
  choice: PredictorChoice | undefined,
  builtIn: Pick<Predictor, 'start'> | undefined,
): Promise<PredictorStatus> {
  if (builtIn) return { predictorEnabled: true, predictorAddress: await builtIn.start(), predictorDirectAccess: false };
  if (choice && 'address' in choice)
    return { predictorEnabled: true, predictorAddress: choice.address, predictorDirectAccess: choice.direct };
  return { predictorEnabled: false, predictorDirectAccess: false };
}

/** What the parent must be able to dial through the tunnel for it. */
export function predictorEndpoints({
  predictorAddress,
  predictorDirectAccess,
}: PredictorStatus): { host: string; port: number }[] {
  if (predictorAddress === undefined || predictorDirectAccess) return [];
  const { hostname, port, protocol } = new URL(predictorAddress);
  return [{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'http:' ? 80 : 443) }];
}
