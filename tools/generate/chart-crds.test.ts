import { expect, test } from "vitest";
import { chartTemplate } from "./chart-crds.ts";

const CRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: customdomains.customdomains.dev
spec:
  group: customdomains.dev
`;

test("wraps the CRD in the two toggles and changes nothing else", () => {
  expect(chartTemplate(CRD)).toBe(`{{- if .Values.crds.enabled }}
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
  name: customdomains.customdomains.dev
spec:
  group: customdomains.dev
{{- end }}
`);
});

test("joins the annotations that the CRD already has", () => {
  const annotated = CRD.replace("metadata:\n", 'metadata:\n  annotations:\n    customdomains.dev/version: "1"\n');
  expect(chartTemplate(annotated)).toContain(`metadata:
  annotations:
    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
    customdomains.dev/version: "1"
  name: customdomains.customdomains.dev
`);
});

test("keeps braces of descriptions away from the template engine, and drops the document marker", () => {
  const template = chartTemplate(`---\n${CRD}# written as {{name}}\n`);
  expect(template).toContain('# written as {{ "{{" }}name}}');
  expect(template).not.toContain("---");
});

test("refuses what is no CRD", () => {
  expect(() => chartTemplate("kind: Nothing\n")).toThrow("no metadata");
});
