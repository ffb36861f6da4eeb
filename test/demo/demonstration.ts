import type { Clock } from "../../src/runtime/clock.ts";
import { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnosis.ts";
import { endAll } from "./ending.ts";
import { PlantedFaults } from "./faults.ts";
import { offerMore, untilAborted } from "./keep.ts";
import { type Narrator, seconds } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
import { Processes } from "./processes.ts";
import { Runner, StepFailed, type StepTools } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { type Stage, setStage } from "./stage.ts";
import { STORY } from "./story.ts";
import { type FinishedStep, summarise } from "./summary.ts";

/** Exit code of a program that was ended by SIGINT, as shells have it. */
export const INTERRUPTED = 130;

export interface DemonstrationOptions {
  readonly options: DemoOptions;
  readonly narrator: Narrator;
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly interrupt: AbortSignal;
}

/** Sets the stage, tells the story and ends everything again, whatever happened. */
export class Demonstration {
  readonly #options: DemonstrationOptions;
  readonly #runner: Runner;
  readonly #processes = new Processes();
  #stage: Stage | undefined;

  constructor(options: DemonstrationOptions) {
    this.#options = options;
    this.#runner = new Runner(options);
  }

  /** Resolves to the exit code, once everything was ended; 1 when something is left. */
  async run(): Promise<number> {
    await using stack = new AsyncDisposableStack();
    let code: number | undefined;
    try {
      code = await this.#outcome(stack);
    } finally {
      const clean = await endAll(stack, this.#processes, this.#options.narrator);
      if (!clean && code === 0) code = 1;
    }
    return code;
  }

  async #outcome(stack: AsyncDisposableStack): Promise<number> {
    const { narrator, interrupt } = this.#options;
    try {
      await this.#tell(stack);
      return 0;
    } catch (error) {
      narrator.line();
      if (interrupt.aborted) {
        narrator.failure(interrupt.reason instanceof Error ? interrupt.reason.message : "interrupted");
        return INTERRUPTED;
      }
      if (!(error instanceof StepFailed)) throw error;
      await this.#explain(error);
      return 1;
    }
  }

  async #tell(stack: AsyncDisposableStack): Promise<void> {
    const { options, narrator, clock, interrupt } = this.#options;
    const started = clock.monotonic();
    narrator.line("Custom domains, from kubectl apply to verified, billed and cleaned up.");
    narrator.line("Every fact is read back from the Kubernetes API server or from a simulator.");
    const processes = this.#processes;
    const stage = await setStage({ runner: this.#runner, narrator, stack, processes, evidence: options.evidence });
    this.#stage = stage;
    const running = processes.running().map(({ name }) => name);
    const finished: FinishedStep[] = [
      { title: "Setting up", result: `${running.join(", ")} run`, tookMs: clock.monotonic() - started },
    ];
    const scene = this.#sceneOf(stage);
    for (const [index, step] of STORY.entries()) {
      const title = `${index + 1}. ${step.title}`;
      narrator.heading(title);
      const { value, tookMs } = await this.#runner.run(title, options.stepDeadlineMs, (tools) => step.run(scene(tools)));
      finished.push({ title, result: value, tookMs });
    }
    summarise(stage.world, finished, clock.monotonic() - started, narrator);
    if (!options.keep) return;
    const title = "Over to you";
    narrator.heading(title);
    await this.#runner.run(title, options.stepDeadlineMs, (tools) => offerMore(stage, scene(tools)));
    await untilAborted(interrupt);
  }

  #sceneOf(stage: Stage): (tools: StepTools) => Scene {
    const { options, narrator, clock } = this.#options;
    const { world, samples } = stage;
    const faults = new PlantedFaults(world, options.break);
    return (tools) => {
      const cluster = new Cluster(stage.controlPlane, narrator, tools.signal);
      return { ...tools, cluster, world, samples, faults, narrator, clock };
    };
  }

  async #explain({ title, tookMs, message }: StepFailed): Promise<void> {
    const { narrator } = this.#options;
    narrator.failure(`Step "${title}" failed after ${seconds(tookMs)}: ${message}`);
    if (this.#stage === undefined) return;
    await diagnose(new Cluster(this.#stage.controlPlane, narrator), this.#stage.operator, narrator);
  }
}
