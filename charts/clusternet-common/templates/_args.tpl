{{/* One value as text. Helm reads every number as a float, and large ones must not come out as 1e+06. */}}
{{- define "clusternet.text" -}}
{{- if and (kindIs "float64" .) (eq (printf "%v" (int64 . | float64)) (printf "%v" .)) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Arguments that every service has, then extraArgs: `key: value` becomes --key=value, also for false; a list repeats the flag. */}}
{{- define "clusternet.args" -}}
- --secure-port={{ .Values.securePort | int }}
- --leader-elect={{ .Values.leaderElect }}
- --leader-elect-resource-name={{ include "clusternet.fullname" . }}
- --leader-elect-resource-namespace=$(SYSTEM_NAMESPACE)
- --kube-api-qps={{ include "clusternet.text" .Values.kubeAPI.qps }}
- --kube-api-burst={{ include "clusternet.text" .Values.kubeAPI.burst }}
- --logging-format={{ .Values.logging.format }}
- --v={{ .Values.logging.verbosity | int }}
{{- with .Values.featureGates }}
{{- $gates := list }}
{{- range $gate, $on := . }}{{ $gates = append $gates (printf "%s=%v" $gate $on) }}{{ end }}
- --feature-gates={{ join "," $gates }}
{{- end }}
{{- end -}}

{{- define "clusternet.extraArgs" -}}
{{- range $flag, $value := .Values.extraArgs }}
{{- range $one := kindIs "slice" $value | ternary $value (list $value) }}
- {{ printf "--%s=%s" $flag (include "clusternet.text" $one) | quote }}
{{- end }}
{{- end }}
{{- end -}}
