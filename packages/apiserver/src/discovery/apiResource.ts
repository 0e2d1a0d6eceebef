// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** One resource of a group and version, as discovery lists it. */
export interface ApiResource {
  /** Plural, as in URLs. */
  name: string;
  singularName: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  /** Takes every HTTP method, as a proxy does; `verbs` is then for discovery only. */
  anyMethod?: boolean;
  subresources?: ApiSubresource[];
  /** Group and version of the kind, where they are others than those it is served under. */
  group?: string;
  version?: string;
  /** Served, but not listed. */
  hidden?: boolean;
  /** OpenAPI v3 schema of the kind; an object of any shape if not given. */
  schema?: object;
}

/** One subresource, e.g. `proxy` or `scale`. */
export interface ApiSubresource {
  name: string;
  kind: string;
  /** Group and version of the kind, where they are others than the resource's, as of `autoscaling/v1` Scale. */
  group?: string;
  version?: string;
  verbs: string[];
  anyMethod?: boolean;
  /** Served, but not listed. */
  hidden?: boolean;
}

/** A group and version that is served. */
export interface GroupVersion {
  group: string;
  version: string;
}

/** What is served now; asked for each answer, as resources may come and go. */
export interface ServedVersion extends GroupVersion {
  resources: () => readonly ApiResource[];
}
