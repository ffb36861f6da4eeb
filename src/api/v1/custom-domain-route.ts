import type { z } from "zod";
import type { KubeObject } from "../../kube/objects.ts";
import { conditionsSchema } from "./conditions.ts";
import { objectName } from "./hostname-rules.ts";
import { firstFailure, immutable } from "./rules.ts";
import { type Immutable, integer, object, text } from "./schema.ts";

const pathShape = firstFailure("must be a path such as '/shop'", [
  { holds: "self.startsWith('/')", message: "must begin with '/', for example '/shop'" },
  {
    holds: "self.matches('^[A-Za-z0-9/._~!$&()*+,;=:@%-]*$')",
    message: "must be a path alone: percent-encode anything but letters, digits and '-._~!$&()*+,;=:@'",
  },
  { holds: "!self.contains('//')", message: "must not have '//': write '/shop', not '//shop'" },
  {
    holds: "!self.matches('(^|/)\\\\.\\\\.?(/|$)')",
    message: "must not have the parts '.' or '..': write the path that they lead to",
  },
  { holds: "!self.matches('%2[fF]')", message: "must not have an encoded '/' (%2F): gateways treat it differently" },
]);

export const customDomainRouteSpecSchema = object("Which requests of the domain go to which Service.", {
  domainRef: object("The CustomDomain in the same namespace.", {
    name: objectName("The name of the CustomDomain. It cannot change: the route goes when that domain does.", [
      immutable("create another CustomDomainRoute"),
    ]),
  }),
  path: text("Requests whose path begins with this go to the Service.", { max: 1024, rules: [pathShape] }).default("/"),
  backendRef: object("The Service in the same namespace.", {
    name: objectName("The name of the Service."),
    port: integer("The port of the Service.", 1, 65_535),
  }),
});

export const customDomainRouteStatusSchema = object("Whether the route is in place.", {
  observedGeneration: integer("The metadata.generation that this status is about.", 0, Number.MAX_SAFE_INTEGER).optional(),
  domain: text("The canonical name of the domain.", { max: 253 }).optional(),
  httpRoute: text("The HTTPRoute that was rendered, as namespace/name.", { max: 317 }).optional(),
  conditions: conditionsSchema.optional(),
});

export const customDomainRouteSchema = object(
  "Sends requests of a CustomDomain to a Service, by path. Rendered to a Gateway API HTTPRoute.",
  {
    spec: customDomainRouteSpecSchema,
    status: customDomainRouteStatusSchema.optional(),
  },
);

export type CustomDomainRouteSpec = Immutable<z.output<typeof customDomainRouteSpecSchema>>;
export type CustomDomainRouteStatus = Immutable<z.output<typeof customDomainRouteStatusSchema>>;

export interface CustomDomainRoute extends KubeObject<CustomDomainRouteSpec, CustomDomainRouteStatus> {
  readonly spec: CustomDomainRouteSpec;
}
