import fc from "fast-check";

/** The same examples in every run of `make test`; FAST_CHECK_SEED=random looks for new ones, a number repeats a run. */
const SEED = process.env.FAST_CHECK_SEED ?? "20261122";

if (SEED !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(SEED) });
