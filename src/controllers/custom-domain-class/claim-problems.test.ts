import { describe, expect, it } from "vitest";
import type { DomainClaim, DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { orphanProblem, proofFinding } from "./claim-problems.ts";

function claims(count: number, spec: Partial<DomainClaimSpec>): DomainClaim[] {
  return Array.from({ length: count }, (_, index) => ({
    apiVersion: "customdomains.dev/v1",
    kind: "DomainClaim",
    metadata: { name: `d${index}.acme.com` },
    spec: { state: "Proven", domain: `d${index}.acme.com`, tenant: "a", createdTime: "2026-01-01T00:00:00Z", rows: [], ...spec },
  }));
}

const LOST = { proofLostTime: "2026-02-01T00:00:00Z" } as const;
const ORPHANED = { orphanedTime: "2026-02-01T00:00:00Z" } as const;

describe("the fuses of a class", () => {
  it("blow at more than a tenth and at least 20", () => {
    expect(proofFinding([...claims(180, {}), ...claims(20, LOST)]).reason).toBe("ProofsPresent");
    expect(proofFinding([...claims(179, {}), ...claims(21, LOST)])).toMatchObject({ status: "False", reason: "MassProofLoss" });
    expect(proofFinding(claims(19, LOST)).reason).toBe("ProofsPresent");
    expect(orphanProblem([...claims(180, {}), ...claims(20, ORPHANED)])).toBeUndefined();
    expect(orphanProblem([...claims(100, {}), ...claims(20, ORPHANED)])?.reason).toBe("MassOrphaning");
  });

  it("do not count tombstones", () => {
    expect(orphanProblem([...claims(900, { state: "Released" }), ...claims(20, ORPHANED)])?.reason).toBe("MassOrphaning");
  });
});
