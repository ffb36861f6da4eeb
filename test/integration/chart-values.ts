import type { ChartValues } from "../tools/helm.ts";

/** Every value of the chart, none at its default. */
export const EVERY_VALUE: ChartValues = {
  image: { repository: "registry.storelane.app/custom-domain-operator", tag: "1.2.3", pullPolicy: "Always" },
  imagePullSecrets: [{ name: "registry-credentials" }],
  replicas: 3,
  logLevel: "debug",
  credentials: { secretNames: ["one", "two.three"] },
  checks: { deniedCIDRs: ["10.96.0.0/12", "fd00:10::/64"] },
  crds: { enabled: true, keep: false },
  serviceAccount: { annotations: { "storelane.app/team": "platform" } },
  podAnnotations: { "storelane.app/scrape": "metrics" },
  resources: { requests: { cpu: "333m", memory: "333Mi" } },
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "storelane.app/platform", operator: "Exists" }],
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } } },
};
