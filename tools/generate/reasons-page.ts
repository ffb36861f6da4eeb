import type { ReasonGroup } from "../../src/api/v1/reason-description.ts";
import { billingReasons } from "../../src/api/v1/reasons-billing.ts";
import { claimReasons } from "../../src/api/v1/reasons-claim.ts";
import { cloudflareReasons } from "../../src/api/v1/reasons-cloudflare.ts";
import { dnsReasons } from "../../src/api/v1/reasons-dns.ts";
import { platformReasons } from "../../src/api/v1/reasons-platform.ts";
import { MARKDOWN_NOTICE, table } from "./markdown.ts";

const INTRODUCTION = `# Reasons

The reason of a condition or an event is one of these words. They are stable: scripts and alerts may rely on them. Ready,
Reconciling and Stalled repeat the reason of the condition that holds them back, so the column "Seen on" names where a reason
comes from.

Who must act: **Owner** edits the domain's DNS, **Tenant** writes the CustomDomain or its routes, **Admin** runs the platform;
**Nobody** means that nothing is wrong or that time alone helps.
`;

export function reasonsPage(): string {
  const sections = [
    section("Claim and ownership", claimReasons),
    section("DNS and routing", dnsReasons),
    section("Hostname and certificate", cloudflareReasons),
    section("Billing", billingReasons),
    section("Classes and routes", platformReasons),
  ];
  return [MARKDOWN_NOTICE, INTRODUCTION, ...sections].join("\n");
}

function section(title: string, reasons: ReasonGroup): string {
  const rows = Object.entries(reasons).map(([reason, { on, actor, means, remedy }]) => [
    `\`${reason}\``,
    on.join(", "),
    actor,
    means,
    remedy,
  ]);
  return `## ${title}\n\n${table(["Reason", "Seen on", "Who acts", "What it means", "What to do"], rows)}`;
}
