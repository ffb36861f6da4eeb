{{/* What finds our pods again: must never change, a Deployment's selector is immutable. */}}
{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: custom-domain-operator
app.kubernetes.io/component: operator
{{- end }}

{{- define "operator.labels" -}}
app.kubernetes.io/name: custom-domain-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
