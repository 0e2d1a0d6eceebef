// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Fields of `metadata` that only an API server sets, or that mean something in one cluster only: none of them goes from one to another. */
export const serverMetadata: readonly string[] = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  // Owners are objects of another cluster: the garbage collector there would look for them and delete the object.
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
];
