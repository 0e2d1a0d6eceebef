// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// What Kubernetes lets names and labels consist of. How long names may be depends on what they name, and is not said here.

/** RFC 1123 label in lower case: names of namespaces and Services. */
export const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 subdomain in lower case: names of most objects, prefixes of label keys. */
export const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The part of a label key after its prefix. */
export const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** The value of a label, which may be empty. */
export const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** Longest name in a label key, and longest value of a label. */
export const MAX_LABEL = 63;

/** Longest name of most objects, and longest prefix of a label key. */
export const MAX_SUBDOMAIN = 253;

/** Whether this can be the key of a label or annotation: a name, with a subdomain and `/` before it or without. */
export function isLabelKey(text: string): boolean {
  const [name = '', prefix, ...more] = text.split('/').toReversed();
  if (more.length > 0 || name.length > MAX_LABEL || !labelName.test(name)) return false;
  return prefix === undefined || (prefix.length <= MAX_SUBDOMAIN && dnsSubdomain.test(prefix));
}

/** Whether this can be the value of a label. */
export function isLabelValue(text: string): boolean {
  return text.length <= MAX_LABEL && labelValue.test(text);
}
