{{/* Keeps a drain of nodes from taking all replicas at once. One replica gets none: it would block every drain. */}}
{{- define "clusternet.podDisruptionBudget" -}}
{{- if and .Values.podDisruptionBudget.enabled (gt (int .Values.replicaCount) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "clusternet.metadata" (dict "root" . "name" (include "clusternet.fullname" .)) | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "clusternet.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Off by default: what a service must reach (API servers, wherever they are) is not known to the chart, so only ingress is limited. */}}
{{- define "clusternet.networkPolicy" -}}
{{- if .Values.networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "clusternet.metadata" (dict "root" . "name" (include "clusternet.fullname" .)) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "clusternet.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - port: https
          protocol: TCP
      {{- with .Values.networkPolicy.from }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}
{{- end -}}

{{/* The Service that metrics are read through; the API server of the parent reaches the hub by its own. */}}
{{- define "clusternet.metricsService" -}}
{{- if .Values.serviceMonitor.enabled -}}
apiVersion: v1
kind: Service
metadata:
  {{- $service := include "clusternet.metadata" (dict "root" . "name" (printf "%s-metrics" (include "clusternet.fullname" .))) | fromYaml }}
  {{- $_ := set $service "labels" (merge (dict "app.kubernetes.io/component" "metrics") $service.labels) }}
  {{- toYaml $service | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "clusternet.selectorLabels" . | nindent 4 }}
  ports:
    - name: https
      port: {{ .Values.securePort }}
      targetPort: https
      protocol: TCP
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- $metadata := include "clusternet.metadata" (dict "root" . "name" (include "clusternet.fullname" .)) | fromYaml }}
  {{- $_ = set $metadata "labels" (merge (dict) .Values.serviceMonitor.labels $metadata.labels) }}
  {{- toYaml $metadata | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "clusternet.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: metrics
  namespaceSelector:
    matchNames:
      - {{ .Release.Namespace }}
  endpoints:
    - port: https
      scheme: https
      path: /metrics
      interval: {{ .Values.serviceMonitor.interval }}
      bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
      tlsConfig:
        # The serving certificate is made at start-up and signed by nobody.
        insecureSkipVerify: true
{{- end -}}
{{- end -}}
