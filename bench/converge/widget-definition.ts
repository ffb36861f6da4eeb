import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { WIDGET_CRD } from "../widget-crd.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/**
 * Defines the kind with one field more in the status: kopf keeps there what it has to remember, as its documentation advises for kinds
 * of one's own. The others leave it out, so that it costs them nothing.
 */
export async function defineWidgets(controlPlane: ControlPlane): Promise<void> {
  const definition = structuredClone(WIDGET_CRD) as Definition;
  for (const { schema } of definition.spec.versions) {
    const { properties } = schema.openAPIV3Schema.properties.status;
    properties.kopf = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  }
  const { status, body } = await controlPlane.request("POST", CRDS, definition);
  if (status !== 201) throw new Error(`the Widget CRD was refused: ${status} ${JSON.stringify(body)}`);
}

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly status: { readonly properties: Record<string, object> } } };
      };
    }[];
  };
}
