import { beforeEach, describe, expect, it } from "vitest";
import { LABEL_ID } from "../../api/v1/group.ts";
import { LedgerOnPaper } from "../ledger.testing.ts";
import { stableID } from "./metadata.ts";

let paper: LedgerOnPaper;

beforeEach(() => {
  paper = new LedgerOnPaper();
});

const labelled = (id: string) => ({ labels: { [LABEL_ID]: id } });

describe("the stable id of a domain", () => {
  it("is its claim's, then that of its status, then its label, then its uid", () => {
    const bare = paper.domain("a/bare", {});
    expect(stableID(bare, paper.ledger)).toBe(bare.metadata.uid);
    const label = paper.domain("a/label", {}, labelled("from-label"));
    expect(stableID(label, paper.ledger)).toBe("from-label");
    const status = paper.domain("a/status", {}, labelled("from-label-2"), { id: "from-status" });
    expect(stableID(status, paper.ledger)).toBe("from-status");
    paper.claim(status, { id: "from-claim" });
    expect(stableID(status, paper.ledger)).toBe("from-claim");
  });

  it("stays after the label was changed", () => {
    const changed = paper.domain("a/shop", {}, labelled("stolen"), { id: "original" });
    expect(stableID(changed, paper.ledger)).toBe("original");
  });

  it("is not that of a claim which a former object of the name held", () => {
    const former = paper.domain("a/shop", {});
    paper.claim(former, { id: "former" });
    const successor = paper.domain("a/shop", {}, { uid: "successor" });
    expect(stableID(successor, paper.ledger)).toBe("successor");
  });

  it.each(["", "-x", "x-", "a b", "x/y", "é", "x".repeat(64)])("is the uid where the label is no id: '%s'", (id) => {
    const domain = paper.domain("a/shop", {}, labelled(id));
    expect(stableID(domain, paper.ledger)).toBe(domain.metadata.uid);
  });

  describe("a label that somebody else uses is not accepted", () => {
    it("another object's status", () => {
      paper.domain("b/other", {}, {}, { id: "taken" });
      const domain = paper.domain("a/shop", {}, labelled("taken"));
      expect(stableID(domain, paper.ledger)).toBe(domain.metadata.uid);
    });
    it("a claim, also one whose holder is gone", () => {
      const other = paper.domain("b/other", {});
      paper.claim(other, { id: "taken" });
      paper.ledger.domains.store.remove({ ...other, metadata: { ...other.metadata, resourceVersion: "1000" } });
      const domain = paper.domain("a/shop", {}, labelled("taken"));
      expect(stableID(domain, paper.ledger)).toBe(domain.metadata.uid);
    });
    it("of two new objects the older keeps it, by uid where they are as old", () => {
      const younger = paper.domain("a/younger", {}, { ...labelled("both"), creationTimestamp: "2026-01-01T00:00:01Z" });
      const older = paper.domain("b/older", {}, labelled("both"));
      expect([stableID(older, paper.ledger), stableID(younger, paper.ledger)]).toEqual(["both", younger.metadata.uid]);
      const twins = ["c/1", "c/2"].map((key) => paper.domain(key, {}, labelled("twins")));
      expect(twins.map((twin) => stableID(twin, paper.ledger))).toEqual(["twins", "uid-of-c/2"]);
    });
  });
});
