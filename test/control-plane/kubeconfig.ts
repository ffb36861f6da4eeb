import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { KeyPair } from "./certificates.ts";

/** How the user of a kubeconfig proves who it is. A `tokenFile` is read again by clients when it changes. */
export type Credentials = { readonly token: string } | { readonly tokenFile: string } | { readonly clientCertificate: KeyPair };

export interface Cluster {
  readonly server: string;
  /** PEM. */
  readonly caData: string;
}

/**
 * Writes JSON, which every kubeconfig reader accepts as YAML, with the CA and certificates inline so that the file can be moved.
 * Readable by the owner only, because it holds a credential.
 */
export async function writeKubeconfigFile(
  path: string,
  cluster: Cluster,
  credentials: Credentials,
  namespace = "default",
): Promise<void> {
  const name = "control-plane";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: cluster.server, "certificate-authority-data": base64(cluster.caData) } }],
    users: [{ name, user: user(credentials) }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

function user(credentials: Credentials): Record<string, string> {
  if ("token" in credentials) {
    return { token: credentials.token };
  }
  if ("tokenFile" in credentials) {
    return { tokenFile: credentials.tokenFile };
  }
  const { cert, key } = credentials.clientCertificate;
  return { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
