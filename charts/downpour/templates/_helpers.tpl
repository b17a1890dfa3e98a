{{- define "downpour.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters: the suffixes of the objects below still fit into 63. */}}
{{- define "downpour.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "downpour.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-scoped names carry the namespace unless the release is called like its chart: two releases must not meet. */}}
{{- define "downpour.clusterName" -}}
{{- $name := include "downpour.fullname" . }}
{{- ternary $name (printf "%s-%s" .Release.Namespace $name) (eq .Release.Name .Chart.Name) }}
{{- end }}

{{- define "downpour.selectorLabels" -}}
app.kubernetes.io/name: {{ include "downpour.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "downpour.labels" -}}
{{ include "downpour.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: downpour
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The metadata of every object: (dict "root" $ "name" … "namespace" … "labels" … "annotations" …). */}}
{{- define "downpour.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- $own := merge (include "downpour.labels" .root | fromYaml) (.labels | default dict) }}
  {{- toYaml (merge $own (.root.Values.commonLabels | default dict)) | nindent 2 }}
{{- with merge (.annotations | default dict | deepCopy) (.root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "downpour.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "downpour.fullname" .) }}
{{- else }}
{{- required "serviceAccount.name: needed with serviceAccount.create=false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* (dict "image" … "version" …) -> repository@digest or repository:tag */}}
{{- define "downpour.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (.image.tag | default .version) }}
{{- end }}
{{- end }}

{{/* Exactly what the operator asks the API server for; test/chart/rbac.test.ts compares. */}}
{{- define "downpour.operatorRules" -}}
# Watched; deleted when ttlSecondsAfterFinished is over; patched for the transfers that were made (an annotation) and
# for the number of workers that a preset says, which the scale subresource reads.
- apiGroups: [downpour.dev]
  resources: [pretrainjobs, finetunejobs]
  verbs: [delete, list, patch, watch]
# Makes the transfers of a PretrainJob, and looks whose it is when the name is taken.
- apiGroups: [downpour.dev]
  resources: [finetunejobs]
  verbs: [create, get]
- apiGroups: [downpour.dev]
  resources: [pretrainjobs/status, finetunejobs/status]
  verbs: [update]
# Admission (OwnerReferencesPermissionEnforcement) asks for it from who sets blockOwnerDeletion.
- apiGroups: [downpour.dev]
  resources: [pretrainjobs/finalizers, finetunejobs/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [create, get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# spec.scheduling.gang; harmless where there is no such scheduler.
- apiGroups: [scheduling.volcano.sh, scheduling.x-k8s.io]
  resources: [podgroups]
  verbs: [create, get, patch]
{{- end }}

{{- define "downpour.subject" -}}
- kind: ServiceAccount
  name: {{ include "downpour.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
