{{/*
Deployment of a service: a dict with "root" and, each as a block of YAML items, "args", "env", "volumes" and "mounts", and
"podAnnotations" as a block of annotations.
*/}}
{{- define "clusternet.deployment" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "clusternet.metadata" (dict "root" $root "name" (include "clusternet.fullname" $root)) | nindent 2 }}
spec:
  replicas: {{ $values.replicaCount }}
  selector:
    matchLabels:
      {{- include "clusternet.selectorLabels" $root | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "clusternet.selectorLabels" $root | nindent 8 }}
        {{- with $values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or .podAnnotations $values.podAnnotations $values.commonAnnotations }}
      annotations:
        {{- with .podAnnotations }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with merge (dict) $values.podAnnotations $values.commonAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "clusternet.serviceAccountName" $root }}
      automountServiceAccountToken: true
      {{- with $values.image.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      {{- if $values.hostNetwork }}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      {{- end }}
      terminationGracePeriodSeconds: 30
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $values.affinity }}
      affinity:
        {{- toYaml $values.affinity | nindent 8 }}
      {{- else if ne $values.podAntiAffinityPreset "none" }}
      affinity:
        podAntiAffinity:
          {{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "clusternet.selectorLabels" $root | fromYaml)) }}
          {{- if eq $values.podAntiAffinityPreset "hard" }}
          requiredDuringSchedulingIgnoredDuringExecution:
            {{- list $term | toYaml | nindent 12 }}
          {{- else }}
          preferredDuringSchedulingIgnoredDuringExecution:
            {{- list (dict "weight" 1 "podAffinityTerm" $term) | toYaml | nindent 12 }}
          {{- end }}
      {{- end }}
      {{- with $values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ include "clusternet.name" $root }}
          image: {{ include "clusternet.image" $root }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args:
            {{- include "clusternet.args" $root | nindent 12 }}
            {{- with .args }}
            {{- . | trim | nindent 12 }}
            {{- end }}
            {{- with include "clusternet.extraArgs" $root | trim }}
            {{- . | nindent 12 }}
            {{- end }}
          env:
            - name: SYSTEM_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            {{- include "clusternet.memoryEnv" $values.extraEnv | trim | nindent 12 }}
            {{- with .env }}
            {{- . | trim | nindent 12 }}
            {{- end }}
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: https
              containerPort: {{ $values.securePort }}
              protocol: TCP
          startupProbe:
            httpGet:
              path: /livez
              port: https
              scheme: HTTPS
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /livez
              port: https
              scheme: HTTPS
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet:
              path: /readyz
              port: https
              scheme: HTTPS
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 3
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            capabilities:
              drop:
                - ALL
          {{- with .mounts }}
          volumeMounts:
            {{- . | trim | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes:
        {{- . | trim | nindent 8 }}
      {{- end }}
{{- end -}}

{{/*
Keeps a service small: young objects of ours are few and short-lived, and the allocator need neither keep a pool per
thread nor what is free. V8 compiles in chunks of 32 KiB: among smaller allocations they leave holes that nothing fills,
tens of megabytes of them, so they get pages of their own. A heap that grows in steps as small as that is packed closer:
it saves a sixth of what connections take.
An entry of the same name among extraEnv, the argument, replaces one of these.
*/}}
{{- define "clusternet.memoryEnv" -}}
{{- $given := dict }}
{{- range . }}
{{- $_ := set $given .name true }}
{{- end }}
{{- range $name, $value := dict "NODE_OPTIONS" "--max-semi-space-size=4" "MALLOC_ARENA_MAX" "2" "MALLOC_TRIM_THRESHOLD_" "131072" "MALLOC_MMAP_THRESHOLD_" "32768" "MALLOC_TOP_PAD_" "32768" }}
{{- if not (hasKey $given $name) }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
