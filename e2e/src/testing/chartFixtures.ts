// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { type ChartPackage } from '@clusternet/localup';

const config = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  version: {{ .Chart.Version | quote }}
  greeting: {{ .Values.greeting | quote }}
`;

const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.charts.example.com
spec:
  group: charts.example.com
  scope: Namespaced
  names: { kind: Widget, plural: widgets, singular: widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: { type: object, description: "of chart VERSION", x-kubernetes-preserve-unknown-fields: true }
`;

/** A chart with one ConfigMap, notes and a CRD. */
export function plainChart(name: string, version: string): ChartPackage {
  return {
    name,
    version,
    files: {
      'values.yaml': 'greeting: hello\n',
      'templates/config.yaml': config,
      'templates/NOTES.txt': 'It says {{ .Values.greeting }}.\n',
      'crds/widgets.yaml': crd.replace('VERSION', version),
    },
  };
}

/** A chart that no cluster takes. */
export function brokenChart(name: string, version: string): ChartPackage {
  const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: broken\ndata:\n  key: 1\n';
  return { name, version, files: { 'templates/config.yaml': object } };
}

/** A chart with a Deployment that never becomes ready where no node is. */
export function waitingChart(name: string, version: string): ChartPackage {
  const workload = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: 1
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec: { containers: [{ name: main, image: "nginx:1.29" }] }
`;
  return { name, version, files: { 'templates/config.yaml': config, 'templates/workload.yaml': workload } };
}

/** A chart of many ConfigMaps. */
export function largeChart(name: string, version: string, count: number): ChartPackage {
  const many = `{{- range $i := until ${count} }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: part-{{ $i }}
data:
  number: {{ $i | quote }}
{{- end }}
`;
  return { name, version, files: { 'templates/many.yaml': many } };
}

/** A chart whose rendering never ends by itself, or takes more than there is. */
export function bombChart(name: string, version: string, template: string): ChartPackage {
  return { name, version, files: { 'templates/bomb.yaml': template } };
}
