import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { auditPolicy, LAUNCHER } from "./audit-policy.ts";
import { createAuthority, createSigningKey, type KeyPair } from "./certificates.ts";
import type { Ports } from "./components.ts";
import { writeKubeconfigFile } from "./kubeconfig.ts";

export interface Identity {
  readonly caData: string;
  readonly admin: KeyPair;
  /** An administrator whose requests are not in the audit log. */
  readonly launcher: KeyPair;
  /** A certificate for some user of some groups, which RBAC then decides about. */
  issueClient(commonName: string, organizations: readonly string[]): KeyPair;
}

/** Creates every key and certificate of one control plane and writes the files that its servers read. */
export async function writeIdentity(dir: string, ports: Ports): Promise<Identity> {
  const authority = createAuthority("control-plane-ca");
  const serving = authority.issueServer("kube-apiserver", [
    "localhost",
    "kubernetes",
    "kubernetes.default.svc",
    "127.0.0.1",
    "10.0.0.1",
  ]);
  const tokens = createSigningKey();
  const manager = authority.issueClient("system:kube-controller-manager", []);
  const cluster = { server: `https://127.0.0.1:${ports.apiServer}`, caData: authority.cert };
  const write = (name: string, content: string) => writeFile(join(dir, name), content, { mode: 0o600 });
  await Promise.all([
    write("ca.crt", authority.cert),
    write("serving.crt", serving.cert),
    write("serving.key", serving.key),
    write("service-account.key", tokens.privateKey),
    write("service-account.pub", tokens.publicKey),
    write("audit-policy.json", JSON.stringify(auditPolicy(), null, 2)),
    writeKubeconfigFile(join(dir, "kube-controller-manager.kubeconfig"), cluster, { clientCertificate: manager }),
  ]);
  return {
    caData: authority.cert,
    admin: authority.issueClient("admin", ["system:masters"]),
    launcher: authority.issueClient(LAUNCHER, ["system:masters"]),
    issueClient: authority.issueClient,
  };
}
