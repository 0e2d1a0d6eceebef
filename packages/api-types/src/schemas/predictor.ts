// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { int32, map, object } from './dsl.ts';

/** HTTP paths of a predictor, below the address that `ManagedCluster.status.predictorAddress` gives. */
export const predictorPaths = {
  /** POST of ReplicaRequirements, answered with a Prediction. */
  predict: '/replicas/predict',
  /** Reserved; answered with 501. */
  unscheduled: '/replicas/unscheduled',
} as const;

/** Request header that says whose predictor is meant; another one refuses. */
export const predictorClusterIdHeader = 'Cluster-ID';

/** Key of {@link Prediction.replicas} for the cluster as a whole; others are kept for parts of it. */
export const wholeCluster = 'default';

export const predictionSchema = object('How many more replicas a cluster can take.', {
  replicas: map('Replicas by part of the cluster; "default" is all of it.', int32('Replicas.', { min: 0 })),
});
/** Answer of a predictor. */
export type Prediction = z.input<typeof predictionSchema>;
