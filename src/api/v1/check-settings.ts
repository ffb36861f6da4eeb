import type { z } from "zod";
import { cidr } from "./hostname-rules.ts";
import { type Rule, rule } from "./rules.ts";
import { choice, type Immutable, integer, list, object, text } from "./schema.ts";
import { secretKeyRef } from "./secret-key-ref.ts";

const pathOnly: Rule = rule("self.matches('^/[A-Za-z0-9/._~-]*$')", "must be a path alone, such as '/debug/domain-check'");

const port = (description: string) => integer(description, 1, 65_535);

export const checkSchema = object(
  "How it is checked that a domain leads here.",
  {
    path: text("The path that is requested.", { max: 256, rules: [pathOnly] }).default("/debug/domain-check"),
    response: choice(
      "Signed: the answer is signed with the key of signingKeySecretRef. Plain: status 200 and a body equal to expectedBody.",
      ["Signed", "Plain"],
    ).default("Signed"),
    signingKeySecretRef: secretKeyRef("The key that answers are signed with, in the operator's namespace.").optional(),
    expectedBody: text("The body that a Plain answer must be equal to.", { max: 1024 }).optional(),
    egress: choice(
      "Where requests may go. EdgeOnly: the addresses of dns.target and edgeCIDRs. Public: any public address. Off: DNS is checked only. " +
        'Quote it in YAML ("Off"): a bare Off is a boolean there.',
      ["EdgeOnly", "Public", "Off"],
    ).default("EdgeOnly"),
    edgeCIDRs: list("Address blocks of the edge. They may be private.", text("An address block.", { max: 49, rules: [cidr] }), {
      max: 64,
      type: "set",
    }).default([]),
    timeoutSeconds: integer("The time for DNS, connection, TLS and answer together.", 1, 60).default(5),
    httpPort: port("The port for http.").default(80),
    httpsPort: port("The port for https.").default(443),
    caBundle: text("Certificate authorities in PEM that are trusted beside the well-known ones.", { max: 65_536 }).optional(),
  },
  [
    rule(
      "self.response != 'Plain' || has(self.expectedBody)",
      "must have expectedBody when response is 'Plain': write the body that the platform answers",
    ),
    rule(
      "self.response != 'Signed' || self.egress == 'Off' || has(self.signingKeySecretRef)",
      "must have signingKeySecretRef when response is 'Signed': name the Secret with the key, or set response 'Plain' or egress 'Off'",
    ),
  ],
);

export type CheckSettings = Immutable<z.output<typeof checkSchema>>;
