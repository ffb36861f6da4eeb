import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";

const address = z
  .string()
  .refine(
    (text) => /^\S*:\d{1,5}$/.test(text) && Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535,
    "must be host:port or :port, for example :8081",
  );
const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be the name of a namespace");

const block = z.union([z.cidrv4(), z.cidrv6()], "must be comma-separated address blocks, for example 10.0.0.0/8,fd00::/8");
const WORKERS = "must be a whole number from 1 to 512";
const IDENTITY = "must have 1 to 253 characters";

const configSchema = z.object({
  namespace,
  healthAddress: address,
  logLevel: z.enum(["trace", "debug", "info", "warn", "error"], "must be trace, debug, info, warn or error"),
  leaderElect: z.boolean(),
  identity: z.string().min(1, IDENTITY).max(253, IDENTITY),
  workers: z.coerce.number(WORKERS).int(WORKERS).min(1, WORKERS).max(512, WORKERS),
  deniedCIDRs: z.array(block),
});

/** What `operator` runs with; every member has a flag, and an environment variable where a pod needs one. */
export type Config = z.infer<typeof configSchema>;

export const USAGE = `Usage: node dist/main.js operator [flags]

Makes Cloudflare for SaaS, Chargebee and status agree with the CustomDomain resources of a cluster.
The cluster is found as by kubectl: KUBECONFIG, ~/.kube/config, or the service account of the pod.

Flags:
  --namespace NAME          the operator's own namespace: its Secrets and its Lease
                            (environment POD_NAMESPACE; default custom-domain-operator)
  --health-address ADDRESS  where /livez, /readyz and /metrics are served (default :8081)
  --log-level LEVEL         trace, debug, info, warn or error (environment LOG_LEVEL; default info)
  --no-leader-elect         run without leader election; only safe with exactly one replica
  --identity NAME           who holds the Lease (environment POD_NAME; default the host name and a random part)
  --workers N               CustomDomains reconciled at once, 1 to 512 (default 32)
  --denied-cidrs LIST       comma-separated address blocks of the cluster (pods, services, nodes) that no
                            check may be sent to, beside all that are not public (environment DENIED_CIDRS)
  --help                    print this text
`;

export type ParsedConfig =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "help" }
  | { readonly kind: "invalid"; readonly message: string };

/** Reads flags, then the environment, then defaults. The message says which flag is wrong and what it must be. */
export function parseConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): ParsedConfig {
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        namespace: { type: "string" },
        "health-address": { type: "string" },
        "log-level": { type: "string" },
        "leader-elect": { type: "boolean" },
        identity: { type: "string" },
        workers: { type: "string" },
        "denied-cidrs": { type: "string" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    return { kind: "invalid", message: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { kind: "help" };
  const parsed = configSchema.safeParse({
    namespace: values.namespace ?? environment.POD_NAMESPACE ?? "custom-domain-operator",
    healthAddress: values["health-address"] ?? ":8081",
    logLevel: values["log-level"] ?? environment.LOG_LEVEL ?? "info",
    leaderElect: values["leader-elect"] ?? true,
    identity: values.identity ?? environment.POD_NAME ?? `${hostname()}_${randomUUID().slice(0, 8)}`,
    workers: values.workers ?? 32,
    deniedCIDRs: listOf(values["denied-cidrs"] ?? environment.DENIED_CIDRS),
  });
  if (parsed.success) return { kind: "config", config: parsed.data };
  const [issue] = parsed.error.issues;
  const flag = String(issue?.path[0] ?? "").replace(/[A-Z]+/g, (letters) => `-${letters.toLowerCase()}`);
  return { kind: "invalid", message: `--${flag}: ${issue?.message ?? "is invalid"}` };
}

function listOf(value: string | boolean | undefined): string[] {
  if (typeof value !== "string") return [];
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
