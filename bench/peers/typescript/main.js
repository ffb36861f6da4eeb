/**
 * The benchmark's work done by @dot-i/k8s-operator, a framework written in TypeScript, as its README shows. It handles one event at a time
 * and has no setting for that, and opens a connection for each request.
 */
import framework from "@dot-i/k8s-operator";

const { default: Operator, ResourceEventType } = framework;
const FINALIZER = "bench.customdomains.dev/finalizer";

class WidgetOperator extends Operator {
  async init() {
    await this.watchResource("bench.customdomains.dev", "v1", "widgets", async (event) => {
      try {
        if (event.type === ResourceEventType.Deleted) return;
        if (!(await this.handleResourceFinalizer(event, FINALIZER, async () => {}))) await this.#converge(event);
      } catch (error) {
        console.error(error);
      }
    });
  }

  async #converge({ meta, object }) {
    const { generation } = object.metadata;
    if (isConverged(object)) return;
    const response = await fetch(`${process.env.BENCH_EXTERNAL_URL}/${meta.namespace}/${meta.name}`);
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the external server answered ${response.status}`);
    const ready = {
      type: "Ready",
      status: "True",
      reason: "Converged",
      message: "the external call succeeded",
      observedGeneration: generation,
      lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
    };
    await this.setResourceStatus(meta, { observedGeneration: generation, conditions: [ready] });
  }
}

function isConverged({ metadata, status }) {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return status?.observedGeneration === metadata.generation && ready?.status === "True";
}

const say = (line) => console.error(line);
const operator = new WidgetOperator({ debug: () => {}, info: say, warn: say, error: say });
await operator.start();
process.on("SIGTERM", () => {
  operator.stop();
  process.exit(0);
});
