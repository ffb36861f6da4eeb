import { join } from "node:path";

export interface Ports {
  readonly etcd: number;
  readonly apiServer: number;
  readonly controllerManager: number;
}

export interface Files {
  readonly dir: string;
  readonly caFile: string;
  readonly auditLog: string;
}

/**
 * Garbage collection and namespace deletion, which custom resources depend on, and what makes namespaces and roles complete. No controller
 * of workloads: there is no node to run them on.
 */
export const CONTROLLERS: readonly string[] = [
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
  "validatingadmissionpolicy-status-controller",
];

/** Without fsync: the data has to survive the end of a process, not that of the machine. */
export function etcdArguments(dir: string, ports: Ports): string[] {
  return [
    `--data-dir=${join(dir, "etcd")}`,
    `--listen-client-urls=http://127.0.0.1:${ports.etcd}`,
    `--advertise-client-urls=http://127.0.0.1:${ports.etcd}`,
    "--listen-peer-urls=http://127.0.0.1:0",
    "--unsafe-no-fsync",
    "--quota-backend-bytes=8589934592",
    "--log-level=warn",
  ];
}

export function apiServerArguments(files: Files, ports: Ports, audit: boolean): string[] {
  const { dir } = files;
  const auditing = [
    `--audit-policy-file=${join(dir, "audit-policy.json")}`,
    `--audit-log-path=${files.auditLog}`,
    // Each event is written at the end of its request, and the log is never rotated away from its reader.
    "--audit-log-mode=blocking",
    "--audit-log-maxsize=1000000",
  ];
  return [
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${ports.apiServer}`,
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--client-ca-file=${files.caFile}`,
    `--tls-cert-file=${join(dir, "serving.crt")}`,
    `--tls-private-key-file=${join(dir, "serving.key")}`,
    "--authorization-mode=RBAC",
    // Beside those that are on anyway. As on clusters where it is on: no owner reference without the rights that it takes.
    "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${join(dir, "service-account.pub")}`,
    `--service-account-signing-key-file=${join(dir, "service-account.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    // A loopback address is refused as an endpoint of the kubernetes Service.
    "--endpoint-reconciler-type=none",
    // Without it a SIGTERM waits for the watches, which do not end.
    "--shutdown-watch-termination-grace-period=1s",
    "--allow-privileged=true",
    "--profiling=false",
    ...(audit ? auditing : []),
  ];
}

/** Its rate limits are raised so that collecting thousands of resources measures the collector and not the limit. */
export function controllerManagerArguments(files: Files, ports: Ports, controllers: readonly string[]): string[] {
  const { dir } = files;
  const kubeconfig = join(dir, "kube-controller-manager.kubeconfig");
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    "--authentication-tolerate-lookup-failure",
    "--bind-address=127.0.0.1",
    `--secure-port=${ports.controllerManager}`,
    `--tls-cert-file=${join(dir, "serving.crt")}`,
    `--tls-private-key-file=${join(dir, "serving.key")}`,
    `--controllers=${controllers.join(",")}`,
    "--use-service-account-credentials",
    `--service-account-private-key-file=${join(dir, "service-account.key")}`,
    `--root-ca-file=${files.caFile}`,
    "--leader-elect=false",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--concurrent-gc-syncs=20",
    "--profiling=false",
    // The level at which the garbage collector says that it knows all kinds.
    "--v=2",
  ];
}
