{{/* ServiceAccount of the service. Its token is mounted by the pod that needs it, not by every pod that names it. */}}
{{- define "clusternet.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "clusternet.metadata" (dict "root" . "name" (include "clusternet.serviceAccountName" .)) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{- define "clusternet.subject" -}}
- kind: ServiceAccount
  name: {{ include "clusternet.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Rules for the Lease by which replicas elect a leader. "create" cannot be narrowed to a name. */}}
{{- define "clusternet.leaseRules" -}}
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["{{ include "clusternet.fullname" . }}"]
  verbs: ["get", "update"]
{{- end -}}

{{/* Rules to check who asks for /metrics. */}}
{{- define "clusternet.delegatedAuthRules" -}}
- apiGroups: ["authentication.k8s.io"]
  resources: ["tokenreviews"]
  verbs: ["create"]
- apiGroups: ["authorization.k8s.io"]
  resources: ["subjectaccessreviews"]
  verbs: ["create"]
{{- end -}}

{{/* Role or ClusterRole with its binding to the service: a dict with "root", "name", "rules" and, for a Role, "namespace". */}}
{{- define "clusternet.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") -}}
{{- $metadata := ternary "clusternet.metadata" "clusternet.clusterMetadata" (hasKey . "namespace") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- include $metadata . | nindent 2 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include $metadata . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  {{- include "clusternet.subject" .root | nindent 2 }}
{{- end -}}
