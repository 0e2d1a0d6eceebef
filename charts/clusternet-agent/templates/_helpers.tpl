{{/* Secret with what is needed to register. */}}
{{- define "agent.registrationSecret" -}}
{{- .Values.existingSecret | default "clusternet-agent-cluster-registration" -}}
{{- end -}}

{{- define "agent.clusterLabels" -}}
{{- if kindIs "map" .Values.clusterLabels -}}
{{- $pairs := list -}}
{{- range $key, $value := .Values.clusterLabels }}{{ $pairs = append $pairs (printf "%s=%v" $key $value) }}{{ end -}}
{{- join "," $pairs -}}
{{- else -}}
{{- .Values.clusterLabels -}}
{{- end -}}
{{- end -}}
