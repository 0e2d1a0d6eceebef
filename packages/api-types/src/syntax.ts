// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// What Kubernetes lets names consist of. How long they may be depends on what they name, and is not said here.

/** RFC 1123 label in lower case: names of namespaces and Services. */
export const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 subdomain in lower case: names of most objects, prefixes of label keys. */
export const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The part of a label key after its prefix, and the value of a label that has one. */
export const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
