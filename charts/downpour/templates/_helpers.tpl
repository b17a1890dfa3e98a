{{- define "downpour.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters, so that the names of objects with their suffixes fit into 63. */}}
{{- define "downpour.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "downpour.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-scoped names contain the namespace unless the release has the name of its chart, so that two releases do not collide. */}}
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

{{/* By which some configurations of Prometheus find pods; the operator writes the same on the pods of jobs. */}}
{{- define "downpour.scrapeAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .Values.http.port | quote }}
prometheus.io/path: /metrics
prometheus.io/scheme: http
{{- end }}

{{/* (dict "image" … "version" …) -> repository@digest or repository:tag */}}
{{- define "downpour.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (.image.tag | default .version) }}
{{- end }}
{{- end }}

{{/* Exactly the requests that the operator makes; test/chart/rbac.test.ts compares them. */}}
{{- define "downpour.operatorRules" -}}
# delete: after ttlSecondsAfterFinished. patch: records the created transfers in an annotation, and sets the number of
# workers that comes from a preset, because the scale subresource reads it from the spec.
- apiGroups: [downpour.dev]
  resources: [pretrainjobs, finetunejobs]
  verbs: [delete, list, patch, watch]
# Creates the transfers of a PretrainJob; get: whose object it is when the name exists already.
- apiGroups: [downpour.dev]
  resources: [finetunejobs]
  verbs: [create, get]
- apiGroups: [downpour.dev]
  resources: [pretrainjobs/status, finetunejobs/status]
  verbs: [update]
# The admission plugin OwnerReferencesPermissionEnforcement requires it to set blockOwnerDeletion.
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
# For spec.scheduling.gang; no effect in a cluster without these kinds.
- apiGroups: [scheduling.volcano.sh, scheduling.x-k8s.io]
  resources: [podgroups]
  verbs: [create, get, patch]
{{- end }}

{{- define "downpour.subject" -}}
- kind: ServiceAccount
  name: {{ include "downpour.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
