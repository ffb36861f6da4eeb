export interface LedgerFigures {
  readonly posts: number;
  readonly createdRows: number;
  readonly patches: number;
  readonly deletes: number;
  /** The most rows that ever existed at once for one name in one zone, per name. */
  readonly maxRowsPerName: Readonly<Record<string, number>>;
  /** Writes that began while another write for the same name was under way, per name. */
  readonly overlappingWrites: Readonly<Record<string, number>>;
}

/** Counts what a client did, name by name, whatever came of it. */
export class WriteLedger {
  readonly #underWay = new Map<string, number>();
  readonly #overlaps = new Map<string, number>();
  readonly #maxRows = new Map<string, number>();
  #posts = 0;
  #created = 0;
  #patches = 0;
  #deletes = 0;

  /** Call the result when the answer has been sent. */
  begin(method: string, hostname: string): () => void {
    if (method === "POST") this.#posts += 1;
    if (method === "PATCH") this.#patches += 1;
    if (method === "DELETE") this.#deletes += 1;
    const others = this.#underWay.get(hostname) ?? 0;
    if (others > 0) this.#overlaps.set(hostname, (this.#overlaps.get(hostname) ?? 0) + 1);
    this.#underWay.set(hostname, others + 1);
    return () => {
      const left = (this.#underWay.get(hostname) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(hostname);
      else this.#underWay.set(hostname, left);
    };
  }

  created(hostname: string, rowsOfName: number): void {
    this.#created += 1;
    this.#maxRows.set(hostname, Math.max(this.#maxRows.get(hostname) ?? 0, rowsOfName));
  }

  figures(): LedgerFigures {
    return {
      posts: this.#posts,
      createdRows: this.#created,
      patches: this.#patches,
      deletes: this.#deletes,
      maxRowsPerName: Object.fromEntries(this.#maxRows),
      overlappingWrites: Object.fromEntries(this.#overlaps),
    };
  }
}
