/**
 * The wall clock of this process, which {@link jump} sets wrong, as an administrator or a time server does to a machine's.
 * `performance.now()` and timers go on unmoved.
 */
export class WallClock {
  #offsetMs = 0;

  /** Puts a `Date` in place of the global one, whose "now" is this clock's. For a process of its own only. */
  static install(): WallClock {
    const wall = new WallClock();
    const RealDate = globalThis.Date;
    const now = (): number => RealDate.now() + wall.#offsetMs;
    globalThis.Date = new Proxy(RealDate, {
      construct: (target, args: unknown[], newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
      apply: () => new RealDate(now()).toString(),
      get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
    });
    return wall;
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
