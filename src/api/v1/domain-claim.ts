import type { z } from "zod";
import type { KubeObject } from "../../kube/objects.ts";
import { hostname } from "./hostname-rules.ts";
import { rule } from "./rules.ts";
import { choice, flag, type Immutable, list, object, text, time } from "./schema.ts";

const claimRowSchema = object("A custom hostname at Cloudflare that the claim answers for.", {
  hostname: text("The host name, as A-label.", { max: 253 }),
  role: choice("Primary serves the domain, Redirect answers 308 to it.", ["Primary", "Redirect"]),
  zoneID: text("The Cloudflare zone that holds it.", { max: 64 }),
  id: text("Cloudflare's id of the custom hostname.", { max: 64 }),
  handedOver: flag(
    "true: it was made for another tenant, and its settings have not been compared with the new holder's yet.",
  ).optional(),
});

const holderSchema = object("The CustomDomain that holds the name.", {
  namespace: text("Its namespace.", { max: 63 }),
  name: text("Its name.", { max: 253 }),
  uid: text("Its uid: an object of the same name that was created later is another.", { max: 64 }),
});

export const domainClaimSpecSchema = object(
  "Who holds the name, in which state, and what was created for it.",
  {
    state: choice(
      "Pending: taken but not proven. Proven: the holder's TXT record was seen. Releasing: rows are being deleted, nobody can take the name. " +
        "Released: the name rests until releaseAfterTime.",
      ["Pending", "Proven", "Releasing", "Released"],
    ),
    domain: hostname("The canonical name, the same as the name of this object."),
    tenant: text(
      "The tenant of the holder. Released without holder: a keyed hash of it, so that only the same tenant is recognised.",
      { max: 253 },
    ),
    holder: holderSchema.optional(),
    id: text("The holder's status.id.", { max: 63 }).optional(),
    className: text("The class, pinned at the time of the claim.", { max: 253 }).optional(),
    proofValue: text("The TXT value that proved ownership.", { max: 255 }).optional(),
    createdTime: time("When the name last had no row of ours."),
    provenTime: time("When the proof was first seen.").optional(),
    proofLostTime: time("Since when the proof is gone from DNS.").optional(),
    verifiedTime: time("When the domain went live.").optional(),
    orphanedTime: time("Since when the holder does not exist any more.").optional(),
    releaseAfterTime: time("When a released name becomes free.").optional(),
    rows: list("The custom hostnames at Cloudflare.", claimRowSchema, { max: 4, type: "atomic" }).default([]),
  },
  [
    rule(
      "self.state in ['Releasing', 'Released'] || (has(self.holder) && has(self.id) && has(self.className))",
      "must have holder, id and className while state is 'Pending' or 'Proven'",
    ),
    rule("self.state != 'Proven' || has(self.provenTime)", "must have provenTime when state is 'Proven'"),
    rule("self.state != 'Proven' || !has(self.releaseAfterTime)", "must not have releaseAfterTime when state is 'Proven'"),
    rule(
      "self.state != 'Released' || has(self.holder) || self.rows.size() == 0",
      "must keep holder while a 'Released' claim has rows",
    ),
  ],
);

export const domainClaimSchema = object(
  "The operator's record of who holds a name. Written by the operator only; do not edit.",
  { spec: domainClaimSpecSchema },
  [rule("self.metadata.name == self.spec.domain", "metadata.name must be the same as spec.domain")],
);

export type ClaimRow = Immutable<z.output<typeof claimRowSchema>>;
export type ClaimHolder = Immutable<z.output<typeof holderSchema>>;
export type DomainClaimSpec = Immutable<z.output<typeof domainClaimSpecSchema>>;
export type ClaimState = DomainClaimSpec["state"];

/** No status subresource: holder and state change in one write, and a restore brings them back. */
export interface DomainClaim extends KubeObject<DomainClaimSpec, never> {
  readonly spec: DomainClaimSpec;
}
