// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Objects as Go's client sends them in protobuf (base64), each with its JSON as Go writes it. */
export const protobufSamples: readonly { wire: string; json: string }[] = [
  {
    wire: 'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EukDCnkKA3dlYhIAGgRzaG9wIgAqADIAOABCCAil69zKBhAAWg4KCV9fcHJvdG9fXxIBeFoKCgNhcHASA3dlYooBOwoBbRIGVXBkYXRlGgdhcHBzL3YxIggIpevcygYQADIIRmllbGRzVjE6DwoNeyJmOmRhdGEiOnt9fUIAEt0CCAASGwoKCgNhcHASA3dlYhINCgFhEgJJbhoBeBoBehqeAgocCgASABoAIgAqADIAOABCAFoKCgNhcHASA3dlYhL9AQoQCgF2EgsSCQoAEgUKAzFHaQoQCgF3EguaAQgKAwoBYxikAxKnAQoDd2ViEgpuZ2lueDoxLjI5KgAyCgoAEAAYUCIAKgA6BQoBQRIAOhoKAUISABoTChEKABINbWV0YWRhdGEubmFtZUIhChAKBm1lbW9yeRIGCgQ2NE1pEg0KA2NwdRIGCgQxMDBtSg0KAXYQARoCL3YiADIAUiEKFRITCgEvEgoIARAAGgRodHRwGgAiABAAGAAgBSgAMABqAHIAgAEAiAEAkAEAogEAGgAgADIAQgBKAFIAWAFgAGgAcg8Q+///////////ASABIAKCAQCKAQCaAQDCAQAiFwoAEhMKBggAEAEaABIJCAEQABoDMjUlKAA4ABoMCAAQABgAIAAoADgAGgAiAA==',
    json: '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web","namespace":"shop","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"__proto__":"x","app":"web"},"managedFields":[{"manager":"m","operation":"Update","apiVersion":"apps/v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]},"spec":{"replicas":0,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"a","operator":"In","values":["x","z"]}]},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}},{"name":"w","configMap":{"name":"c","defaultMode":420}}],"containers":[{"name":"web","image":"nginx:1.29","ports":[{"containerPort":80}],"env":[{"name":"A"},{"name":"B","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"resources":{"limits":{"memory":"64Mi"},"requests":{"cpu":"100m"}},"volumeMounts":[{"name":"v","readOnly":true,"mountPath":"/v"}],"livenessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":5}}],"terminationGracePeriodSeconds":0,"hostNetwork":true,"securityContext":{"runAsUser":-5,"supplementalGroups":[1,2]}}},"strategy":{"rollingUpdate":{"maxUnavailable":1,"maxSurge":"25%"}}},"status":{}}',
  },
  {
    wire: 'azhzAAoMCgJ2MRIGU2VjcmV0EkIKKQoBcxIAGgAiACoAMgA4AEIAahEKA1BvZBoBcCIBdSoCdjEwAHIDYS9iEgsKA2tleRIEAAEC/xoGT3BhcXVlKAAaACIA',
    json: '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":false}],"finalizers":["a/b"]},"immutable":false,"data":{"key":"AAEC/w=="},"type":"Opaque"}',
  },
  {
    wire: 'azhzAAoNCgJ2MRIHU2VydmljZRJuChMKA3dlYhIAGgAiACoAMgA4AEIAElMKFwoBYRIAGFAiCggBEAAaBGh0dHAogOsBChIKAWISABhRIgcIABCRPxoAKAAaACIITm9kZVBvcnQ6AEIAUgBaAGAAaACKAQtTaW5nbGVTdGFjaxoCCgAaACIA',
    json: '{"kind":"Service","apiVersion":"v1","metadata":{"name":"web"},"spec":{"ports":[{"name":"a","port":80,"targetPort":"http","nodePort":30080},{"name":"b","port":81,"targetPort":8081}],"type":"NodePort","ipFamilyPolicy":"SingleStack"},"status":{"loadBalancer":{}}}',
  },
  {
    wire: 'azhzAAozChdhcGlleHRlbnNpb25zLms4cy5pby92MRIYQ3VzdG9tUmVzb3VyY2VEZWZpbml0aW9uEqMECiIKEndpZGdldHMuZXhhbXBsZS5pbxIAGgAiACoAMgA4AEIAEu4DCgpleGFtcGxlLmlvGhUKB3dpZGdldHMSACIGV2lkZ2V0KgAiCk5hbWVzcGFjZWQ6ugMKAnYxEAEYASKpAwqmAwoAEgAiACoGb2JqZWN0MgA6AFAAYAB6AJABAOoB/gIKBHNwZWMS9QIKABIAIgAqBm9iamVjdDIAOgBCHAoaeyJhIjpbMSwieCIsbnVsbF0sImIiOjEuNX1QAGAAegCQAQC6AQFh6gFkCgFhEl8KABIAIgAqBWFycmF5MgA6AFAAYAB6AIABAJABAMIBNgo0CgASACIAKgZzdHJpbmcyADoAUABgAHoAkAEAogEFCgMieCKiAQUKAyJ5IqgCALgCAMACAKgCALgCAMACAOoBQAoFZmFsc2USNwoAEgAiACoGbnVtYmVyMgA6AEkAAAAAAAD4P1AAYAB6AJABAJkBAAAAAAAA4D+oAgC4AgDAAgDqAVQKAW0STwoAEgAiACoGb2JqZWN0MgA6AFAAYAB6AJABAPIBKAgBEiQKABIAIgAqBnN0cmluZzIAOgBQAGAAegCQAQCoAgC4AgDAAgCoAgC4AgDAAgDqASYKAW8SIQoAEgAiACoAMgA6AFAAYAB6AJABAKgCALACAbgCAMACAfIBAggAqAIAuAIAwAIAqAIAuAIAwAIAKgIKADgAUAAaDBIICgASACIAKgAgABoAIgA=',
    json: '{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","metadata":{"name":"widgets.example.io"},"spec":{"group":"example.io","names":{"plural":"widgets","kind":"Widget"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","default":{"a":[1,"x",null],"b":1.5},"required":["a"],"properties":{"a":{"type":"array","maxItems":0,"items":{"type":"string","enum":["x","y"]}},"false":{"type":"number","maximum":1.5,"multipleOf":0.5},"m":{"type":"object","additionalProperties":{"type":"string"}},"o":{"x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-int-or-string":true}},"additionalProperties":false}}}},"subresources":{"status":{}}}]},"status":{"conditions":null,"acceptedNames":{"plural":"","kind":""},"storedVersions":null}}',
  },
  {
    wire: 'azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRInChEKAWwSABoAIgAqADIAOABCABISCgJtZRAPIgoIpevcygYQ8LApGgAiAA==',
    json: '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{"holderIdentity":"me","leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.000678Z"}}',
  },
  {
    wire: 'azhzAAorChxyYmFjLmF1dGhvcml6YXRpb24uazhzLmlvL3YxEgtDbHVzdGVyUm9sZRIiChEKAXISABoAIgAqADIAOABCABINCgNnZXQSABoEcG9kcxoAIgA=',
    json: '{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"r"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}',
  },
  {
    wire: 'azhzAAozChZjZXJ0aWZpY2F0ZXMuazhzLmlvL3YxEhlDZXJ0aWZpY2F0ZVNpZ25pbmdSZXF1ZXN0EksKEQoBYxIAGgAiACoAMgA4AEIAEjQKA2FiYxIAGgAqC2NsaWVudCBhdXRoMgsKAWESBgoBYgoBYzoMZXhhbXBsZS5pby94QNgEGgAaACIA',
    json: '{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{"name":"c"},"spec":{"request":"YWJj","signerName":"example.io/x","expirationSeconds":600,"usages":["client auth"],"extra":{"a":["b","c"]}},"status":{}}',
  },
  {
    wire: 'azhzAAodCgdhcHBzL3YxEhJDb250cm9sbGVyUmV2aXNpb24SMQoSCgJjchIAGgAiACoAMgA4AEIAEhIKEHsic3BlYyI6eyJ4IjoxfX0Y/////////w8aACIA',
    json: '{"kind":"ControllerRevision","apiVersion":"apps/v1","metadata":{"name":"cr"},"data":{"spec":{"x":1}},"revision":9007199254740991}',
  },
  {
    wire: 'azhzAAopCg5hdXRvc2NhbGluZy92MhIXSG9yaXpvbnRhbFBvZEF1dG9zY2FsZXIShQEKEQoBaBIAGgAiACoAMgA4AEIAEmoKGgoKRGVwbG95bWVudBIDd2ViGgdhcHBzL3YxGAMiIgoIUmVzb3VyY2UiFgoDY3B1Eg8KC1V0aWxpemF0aW9uIFAiJgoEUG9kcxoeCgMKAXESFwoMQXZlcmFnZVZhbHVlGgcKBTE1MDBtGgQYACAAGgAiAA==',
    json: '{"kind":"HorizontalPodAutoscaler","apiVersion":"autoscaling/v2","metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"web","apiVersion":"apps/v1"},"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}},{"type":"Pods","pods":{"metric":{"name":"q"},"target":{"type":"AverageValue","averageValue":"1500m"}}}]},"status":{"desiredReplicas":0,"currentMetrics":null}}',
  },
];
