import { findCondition } from "../../../src/core/conditions.ts";
import { CLASS, type Scene, type Step } from "../scene.ts";
import { refuseStalled } from "../watch.ts";

export const classReady: Step = {
  title: "The platform says how domains are served, and takes in its first tenant",
  run: async (scene: Scene) => {
    const { cluster, samples, narrator, until } = scene;
    const secrets = samples.file("secrets.yaml");
    await cluster.apply(secrets.manifests, `${secrets.path}   # with the simulators' credentials`);
    const file = samples.file("custom-domain-class.yaml");
    await cluster.apply(file.manifests, `${file.path}   # with the simulators' addresses, and waits of seconds`);
    await until(`class ${CLASS} to be Ready`, async () => {
      const conditions = (await cluster.class(CLASS))?.status?.conditions;
      refuseStalled(`CustomDomainClass ${CLASS}`, conditions);
      return findCondition(conditions, "Ready")?.status === "True";
    });
    await cluster.show("get customdomainclasses");
    const tenant = samples.file("tenant-lindqvist.yaml");
    await cluster.apply(tenant.manifests, tenant.path);
    narrator.success("The class is Ready: Cloudflare accepts the token, and the fallback origin is active.");
    return `class ${CLASS} is Ready`;
  },
};
