{{/* Name of the component and of everything made for it: that of the chart, whatever the release is called, as there is one per cluster. */}}
{{- define "clusternet.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "clusternet.fullname" -}}
{{- .Values.fullnameOverride | default (include "clusternet.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of cluster-wide objects, such as clusternet:hub. */}}
{{- define "clusternet.roleName" -}}
{{- printf "clusternet:%s" (include "clusternet.fullname" . | trimPrefix "clusternet-") -}}
{{- end -}}

{{- define "clusternet.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "clusternet.fullname" .) -}}
{{- end -}}

{{- define "clusternet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "clusternet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "clusternet.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "clusternet.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: clusternet
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of a namespaced object: a dict with "root" and "name". */}}
{{- define "clusternet.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{ include "clusternet.metadataTail" .root }}
{{- end -}}

{{/* metadata of a cluster-wide object: a dict with "root" and "name". */}}
{{- define "clusternet.clusterMetadata" -}}
name: {{ .name }}
{{ include "clusternet.metadataTail" .root }}
{{- end -}}

{{- define "clusternet.metadataTail" -}}
labels:
  {{- include "clusternet.labels" . | nindent 2 }}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "clusternet.image" -}}
{{- $image := .Values.image -}}
{{- $tag := $image.tag | default (printf "v%s" .Chart.AppVersion) -}}
{{- $name := $image.repository -}}
{{- if $image.registry }}{{ $name = printf "%s/%s" $image.registry $image.repository }}{{ end -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name $tag }}{{ end -}}
{{- end -}}
