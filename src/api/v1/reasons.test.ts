import { describe, expect, test } from "vitest";
import {
  BILLING_ACCOUNT_CONDITIONS,
  CUSTOM_DOMAIN_CLASS_CONDITIONS,
  CUSTOM_DOMAIN_CONDITIONS,
  CUSTOM_DOMAIN_ROUTE_CONDITIONS,
} from "./conditions.ts";
import type { ReasonDescription } from "./reason-description.ts";
import { isReason, reasonCatalogue } from "./reasons.ts";

const reasons: readonly (readonly [string, ReasonDescription])[] = Object.entries(reasonCatalogue);

/** Words that users and scripts know from the HTTP APIs' error codes and from the providers. */
const PROMISED = [
  ...["InvalidDomain", "BillingRejected", "DomainExists", "DomainAlreadyOwned", "QuotaExceeded", "ProviderUnavailable"],
  ...["RecordMissing", "WrongRecord", "ExtraRecord", "ConflictingChallengeRecord", "WildcardCapture", "ApexNeedsAlias"],
  ...["ProxiedElsewhere", "NXDomain", "AuthoritativeUnreachable", "DNSSECBogus", "NegativeCached"],
  ...["CAAForbids", "CAAUnreachable", "CARateLimited", "TokensExpired", "ValidationTimedOut", "HighRiskReview", "NameTooLong"],
  ...["AwaitingDNS", "Moved", "ZoneHold", "Blocked", "DeletedUpstream", "AdoptionRefused"],
  ...[
    "ClassChangeNotSupported",
    "RetainNotAllowed",
    "ProviderOnly",
    "CheckOff",
    "MultipleDefaults",
    "CompetingProof",
    "ProofExpired",
  ],
  ...["SubscriptionConflict", "SuspiciousDrop", "OldLineHeld", "NotBilled", "NoBillingAccount", "DriftCorrected", "DanglingDNS"],
  ...["DeletionStalled", "QuotaSoftExceeded", "Adopted", "SaaSNotEnabled", "RateLimited", "Unauthorized", "PlanRequired"],
];

describe("the catalogue of reasons", () => {
  test.each(PROMISED)("has %s", (reason) => {
    expect(isReason(reason)).toBe(true);
  });

  test("has no other word, and nothing that objects inherit", () => {
    expect(["Pending", "MovedAway", "constructor", "toString", ""].filter(isReason)).toEqual([]);
  });

  test.each(reasons)("%s is a CamelCase word with sentences", (reason, { means, remedy, on }) => {
    expect(reason).toMatch(/^[A-Z][A-Za-z]{0,62}$/);
    expect([means, remedy]).toEqual([expect.stringMatching(/^\S.*\.$/), expect.stringMatching(/^\S.*\.$/)]);
    expect(new Set(on).size).toBe(on.length);
    expect(on.length).toBeGreaterThan(0);
  });

  test("says what to do whenever somebody must act", () => {
    expect(reasons.filter(([, { actor, remedy }]) => actor !== "Nobody" && /^(Nothing|Wait)\.$/.test(remedy))).toEqual([]);
  });

  test("has a reason for every condition of every kind", () => {
    const own = {
      CustomDomain: CUSTOM_DOMAIN_CONDITIONS,
      CustomDomainClass: CUSTOM_DOMAIN_CLASS_CONDITIONS,
      BillingAccount: BILLING_ACCOUNT_CONDITIONS,
      CustomDomainRoute: CUSTOM_DOMAIN_ROUTE_CONDITIONS,
    };
    const expected = Object.entries(own).flatMap(([kind, conditions]) =>
      conditions.map((condition) => (condition === "Ready" ? `${kind} Ready` : condition)),
    );
    const seen = new Set<string>(reasons.flatMap(([, { on }]) => on));
    expect(expected.filter((condition) => !seen.has(condition))).toEqual([]);
  });
});
