import { join } from "node:path";
import type { ControlPlane } from "../test/control-plane/control-plane.ts";
import { waitUntil } from "../test/control-plane/wait-until.ts";
import { WIDGET_CRD } from "./widget-crd.ts";
import { NAMESPACES } from "./widgets.ts";

export const SYSTEM_NAMESPACE = "bench-system";
const SERVICE_ACCOUNT = "stack";
const RBAC = "rbac.authorization.k8s.io";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** All that the work of a stack needs, and nothing more. */
const WIDGET_RULES = [
  { apiGroups: ["bench.customdomains.dev"], resources: ["widgets"], verbs: ["get", "list", "watch", "update", "patch"] },
  { apiGroups: ["bench.customdomains.dev"], resources: ["widgets/status"], verbs: ["update", "patch"] },
  { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
];
const LEASE_RULES = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "list", "watch", "create", "update", "patch"] },
];

/**
 * Prepares a control plane for a stack: the CRD (established), the namespaces and a ServiceAccount with the least that the
 * work needs. Resolves to the path of the stack's kubeconfig.
 */
export async function prepareStage(controlPlane: ControlPlane): Promise<string> {
  await create(controlPlane, CRDS, WIDGET_CRD);
  for (const name of [...NAMESPACES, SYSTEM_NAMESPACE]) {
    await create(controlPlane, "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  await grant(controlPlane);
  await waitUntil(
    "the Widget CRD to be served",
    async () => {
      const { status } = await controlPlane.request("GET", "/apis/bench.customdomains.dev/v1/widgets?limit=1");
      return status === 200;
    },
    { timeoutMs: 60_000 },
  );
  // What garbage-collects and deletes namespaces learns of new kinds only every 30 seconds.
  await controlPlane.restartControllerManager();
  const token = await controlPlane.serviceAccountToken(SYSTEM_NAMESPACE, SERVICE_ACCOUNT, { expirationSeconds: 86_400 });
  const kubeconfig = join(controlPlane.dir, "stack.kubeconfig");
  await controlPlane.writeKubeconfig(kubeconfig, { token }, { namespace: SYSTEM_NAMESPACE });
  return kubeconfig;
}

async function grant(controlPlane: ControlPlane): Promise<void> {
  const name = "bench-stack";
  const namespace = SYSTEM_NAMESPACE;
  const subjects = [{ kind: "ServiceAccount", namespace, name: SERVICE_ACCOUNT }];
  const [roles, cluster] = [`/apis/${RBAC}/v1/namespaces/${namespace}`, `/apis/${RBAC}/v1`];
  const apiVersion = `${RBAC}/v1`;
  await create(controlPlane, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name: SERVICE_ACCOUNT },
  });
  await create(controlPlane, `${cluster}/clusterroles`, {
    apiVersion,
    kind: "ClusterRole",
    metadata: { name },
    rules: WIDGET_RULES,
  });
  await create(controlPlane, `${cluster}/clusterrolebindings`, {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: { name },
    subjects,
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
  });
  await create(controlPlane, `${roles}/roles`, {
    apiVersion,
    kind: "Role",
    metadata: { namespace, name },
    rules: LEASE_RULES,
  });
  await create(controlPlane, `${roles}/rolebindings`, {
    apiVersion,
    kind: "RoleBinding",
    metadata: { namespace, name },
    subjects,
    roleRef: { apiGroup: RBAC, kind: "Role", name },
  });
}

/** What stands there already from an earlier preparation is left as it is. */
async function create(controlPlane: ControlPlane, path: string, object: object): Promise<void> {
  const { status, body } = await controlPlane.request("POST", path, object);
  if (status !== 201 && status !== 409) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
}
