import { isAlive } from "../control-plane/lock-file.ts";

export interface NamedProcess {
  readonly name: string;
  readonly pid: number;
}

/** What the demo has started, asked of the system whenever it says something about it. */
export class Processes {
  readonly #sources: (() => Readonly<Record<string, number>>)[] = [];

  /** `ids`, by name, are asked anew each time: a server that was restarted has another one. */
  watch(ids: () => Readonly<Record<string, number>>): void {
    this.#sources.push(ids);
  }

  running(): readonly NamedProcess[] {
    return this.#sources
      .flatMap((ids) => Object.entries(ids()))
      .map(([name, pid]) => ({ name, pid }))
      .filter(({ pid }) => isAlive(pid));
  }
}
