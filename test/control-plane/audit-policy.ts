/**
 * What the API server writes to its audit log, the evidence by which tests count requests and read what was written.
 * Each request gives one event, at its end; a watch gives a second one when it starts, because it may never end.
 *
 * Writes to our own kinds are complete. Their lists are not: fifty thousand resources in one line would serve nobody.
 * What the control plane does to itself is left out, except where it writes to our kinds (garbage collection, namespace deletion).
 */
const WRITES = ["create", "update", "patch", "delete", "deletecollection"];

export const AUDIT_GROUP = "customdomains.dev";
/** Who asks whether the servers are ready. */
export const LAUNCHER = "control-plane-launcher";

export function auditPolicy(): object {
  const ours = [{ group: AUDIT_GROUP }];
  const sensitive = [
    { group: "", resources: ["secrets", "configmaps", "serviceaccounts/token"] },
    { group: "authentication.k8s.io", resources: ["tokenreviews"] },
  ];
  const chatty = [
    { group: "coordination.k8s.io", resources: ["leases"] },
    { group: "", resources: ["events"] },
  ];
  return {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    omitManagedFields: true,
    rules: [
      { level: "RequestResponse", verbs: WRITES, resources: ours },
      { level: "None", users: ["system:apiserver", "system:kube-controller-manager", LAUNCHER] },
      { level: "None", userGroups: ["system:serviceaccounts:kube-system"] },
      {
        level: "None",
        nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*", "/api", "/api/*", "/apis", "/apis/*"],
      },
      { level: "Metadata", resources: sensitive },
      { level: "Metadata", resources: chatty },
      { level: "Request", verbs: WRITES },
      { level: "Metadata" },
    ],
  };
}
