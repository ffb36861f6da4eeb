import { findCondition } from "../../../src/core/conditions.ts";
import { CLASS, type Scene, type Step } from "../scene.ts";
import { refuseStalled } from "../watch.ts";

/** The conditions that Ready is made of. */
const SHOWN = ["CredentialsValid", "FallbackOriginActive"] as const;

export const classReady: Step = {
  title: "The platform says how domains are served",
  run: async (scene: Scene) => {
    const { cluster, samples, narrator, until } = scene;
    const secrets = samples.file("secrets.yaml");
    await cluster.apply(secrets.manifests, `${secrets.path}   # with the simulators' credentials`);
    const file = samples.file("custom-domain-class.yaml");
    await cluster.apply(file.manifests, `${file.path}   # with the simulators' addresses, and waits of seconds`);
    const conditions = await until(`class ${CLASS} to be Ready`, async () => {
      const current = (await cluster.class(CLASS))?.status?.conditions;
      refuseStalled(`CustomDomainClass ${CLASS}`, current);
      return findCondition(current, "Ready")?.status === "True" && current;
    });
    await cluster.show("get customdomainclasses");
    const tenant = samples.file("tenant-lindqvist.yaml");
    await cluster.apply(tenant.manifests, tenant.path);
    const sentences = SHOWN.map((type) => findCondition(conditions, type)?.message ?? "");
    narrator.success(`Class ${CLASS} is Ready. ${sentences.join(" ")}`);
    return `class ${CLASS} is Ready`;
  },
};
