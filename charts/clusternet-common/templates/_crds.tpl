{{/*
The CRDs of a chart, as templates and not in Helm's crds/ folder, whose content an upgrade never touches. They carry
helm.sh/resource-policy: keep, as deleting a CRD deletes every object of its kind.
*/}}
{{- define "clusternet.crds" -}}
{{- if .Values.crds.enabled }}
{{- range $path, $_ := .Files.Glob "crd-files/*.yaml" }}
---
{{ $.Files.Get $path | trim }}
{{- end }}
{{- end }}
{{- end -}}
