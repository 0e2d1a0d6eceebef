// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** The parts of a Deployment that matter to a process that stands for its container. */
export interface Deployment {
  metadata: { name: string; namespace?: string };
  spec: { template: { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec: PodSpec } };
}

/** A pod's specification, as far as it is read. */
export interface PodSpec {
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  containers: Container[];
  volumes?: Volume[];
}

/** A container's specification, as far as it is read. */
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: OptionalName; secretRef?: OptionalName }[];
  readinessProbe?: { httpGet?: { path?: string; scheme?: string } };
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
}

/** A reference that may lead nowhere if it says so. */
export interface OptionalName {
  name: string;
  optional?: boolean;
}

/** One environment variable of a container. */
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    secretKeyRef?: OptionalName & { key: string };
    configMapKeyRef?: OptionalName & { key: string };
  };
}

interface KeyToPath {
  key: string;
  path: string;
}

/** A volume, of the kinds that files can stand for. */
export interface Volume {
  name: string;
  secret?: { secretName: string; optional?: boolean; items?: KeyToPath[] };
  configMap?: OptionalName & { items?: KeyToPath[] };
  emptyDir?: object;
  projected?: {
    sources: {
      secret?: OptionalName & { items?: KeyToPath[] };
      configMap?: OptionalName & { items?: KeyToPath[] };
      serviceAccountToken?: { path: string };
    }[];
  };
}
