import type { ClaimBench } from "./claim-bench.fixture.ts";

export type Story = (name: string, arm: () => void) => Promise<void>;

/**
 * Plays `story` with the process dying after the 1st, 2nd, … write since it called `arm`, until it survives; answers how many there
 * are. Each time the story is about a name of its own, below or beside `zone`.
 */
export async function killAfterEveryWrite(bench: ClaimBench, zone: string, story: Story): Promise<number> {
  for (let writes = 1; ; writes += 1) {
    bench.clear();
    await story(`kill-${writes}${zone}`, () => bench.dieAfter(writes));
    if (bench.writes < writes) return bench.writes;
    await bench.restart();
  }
}

/** What was done to rows at Cloudflare since `before`. */
export function rowsMade(bench: ClaimBench, name: string, before: ReturnType<ClaimBench["world"]["cloudflare"]["ledger"]>) {
  const { createdRows, maxRowsPerName, deletes } = bench.world.cloudflare.ledger();
  return { created: createdRows - before.createdRows, atOnce: maxRowsPerName[name], deleted: deletes - before.deletes };
}
