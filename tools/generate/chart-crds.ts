const KEEP = `    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
`;

/**
 * The chart's template of one generated CRD: the same text, present only with `crds.enabled`, and left behind by an uninstall with
 * `crds.keep`. Works on the text rather than on parsed YAML, so that what is installed by Helm and by kubectl is the same to the byte.
 *
 * @param crd - one YAML document whose first `metadata:` at the start of a line is the CRD's.
 * @throws Error when there is no such line.
 */
export function chartTemplate(crd: string): string {
  const text = crd.replace(/^---\n/, "").replaceAll("{{", '{{ "{{" }}');
  const head = /^metadata:\n(?<annotations> {2}annotations:\n)?/m.exec(text);
  if (head === null) {
    throw new Error("the CRD has no metadata");
  }
  const end = head.index + head[0].length;
  const annotated = head.groups?.annotations !== undefined;
  const keep = annotated
    ? KEEP
    : `  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n`;
  return `{{- if .Values.crds.enabled }}\n${text.slice(0, end)}${keep}${text.slice(end).trimEnd()}\n{{- end }}\n`;
}
