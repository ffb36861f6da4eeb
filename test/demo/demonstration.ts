import type { Clock } from "../../src/runtime/clock.ts";
import { Cluster } from "./cluster.ts";
import { diagnose } from "./diagnosis.ts";
import { PlantedFaults } from "./faults.ts";
import { offerMore, untilAborted } from "./keep.ts";
import { type Narrator, seconds } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
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
  #stage: Stage | undefined;

  constructor(options: DemonstrationOptions) {
    this.#options = options;
    this.#runner = new Runner(options);
  }

  /** Resolves to the exit code, once nothing runs any more. */
  async run(): Promise<number> {
    const { narrator, interrupt } = this.#options;
    await using stack = new AsyncDisposableStack();
    stack.defer(() => narrator.line("Everything that was started is stopped."));
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
    const stage = await setStage({ runner: this.#runner, narrator, stack });
    this.#stage = stage;
    const setUp = {
      title: "Setting up",
      result: "control plane, simulators, chart and operator run",
      tookMs: clock.monotonic() - started,
    };
    const finished: FinishedStep[] = [setUp];
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
