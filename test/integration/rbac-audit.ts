import { z } from "zod";
import type { AuditEvent } from "../control-plane/audit-log.ts";

/** What is read of an event. */
export type Request = Pick<AuditEvent, "verb" | "requestURI" | "user" | "objectRef" | "requestObject" | "responseStatus">;
/** A question to the authorizer. */
type Question = Pick<Request, "verb" | "requestURI" | "objectRef">;

export interface RbacAudit {
  /** Requests that no rendered rule allows, and bindings to roles that are not rendered: each kind of request once. */
  readonly violations: readonly string[];
  /** Permissions that a rule gives and nothing made use of, neither a request nor admission: one per verb, resource and resource name. */
  readonly unused: readonly string[];
  /** Every `*` in a rendered role, and every empty `resourceNames`, which means all names although it reads like none. */
  readonly wildcards: readonly string[];
}

/** The smallest thing that RBAC can give. */
interface Permission {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `customdomains/status`. */
  readonly resource: string;
  /** Undefined: every name. */
  readonly name: string | undefined;
  /** Undefined: every namespace, and resources of the cluster. */
  readonly namespace: string | undefined;
}

const namesSchema = z.array(z.string()).default([]);
const ruleSchema = z.object({
  apiGroups: namesSchema,
  resources: namesSchema,
  resourceNames: z.array(z.string()).optional(),
  nonResourceURLs: namesSchema,
  verbs: namesSchema,
});
const metadataSchema = z.object({ name: z.string(), namespace: z.string().optional() });
const roleSchema = z.object({
  kind: z.enum(["ClusterRole", "Role"]),
  metadata: metadataSchema,
  rules: z.array(ruleSchema).default([]),
});
const bindingSchema = z.object({
  kind: z.enum(["ClusterRoleBinding", "RoleBinding"]),
  metadata: metadataSchema,
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })).default([]),
});

const ownerSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  blockOwnerDeletion: z.boolean().default(false),
});
/** An object, or a patch of one, that sets owner references. */
const ownedSchema = z.object({ metadata: z.object({ ownerReferences: z.array(ownerSchema).min(1) }) });

type Role = z.infer<typeof roleSchema>;
type Binding = z.infer<typeof bindingSchema>;

/**
 * Compares what a user asked of the API server, and admission on its behalf, with what the rendered manifests allow: RBAC as the API server evaluates it, with bindings
 * to the user itself or to its service account. What Kubernetes gives to every authenticated user (discovery, its own reviews) is not in
 * the manifests and counts as a violation.
 *
 * @param renderedManifests - all objects of an installation; those that are not RBAC are passed over.
 * @param username - for a service account `system:serviceaccount:<namespace>:<name>`.
 */
export function auditRbac(auditEvents: Iterable<Request>, renderedManifests: readonly unknown[], username: string): RbacAudit {
  const roles = renderedManifests.map((manifest) => roleSchema.safeParse(manifest).data).filter((role) => role !== undefined);
  const bindings = renderedManifests
    .map((manifest) => bindingSchema.safeParse(manifest).data)
    .filter((binding) => binding !== undefined)
    .filter((binding) => binds(binding, username));
  const violations = new Set<string>();
  const permissions = bindings.flatMap((binding) => {
    const role = roles.find((candidate) => refersTo(binding, candidate));
    if (role === undefined) {
      violations.add(
        `${binding.kind} ${binding.metadata.name} gives ${binding.roleRef.kind} ${binding.roleRef.name}, which is not rendered`,
      );
    }
    return role === undefined ? [] : permissionsOf(role, binding.kind === "RoleBinding" ? binding.metadata.namespace : undefined);
  });
  const used = new Set<Permission>();
  for (const event of auditEvents) {
    if (event.user.username === username) {
      for (const question of [event, ...askedByAdmission(event)]) {
        const allowing = permissions.filter((permission) => allows(permission, question));
        for (const permission of allowing) {
          used.add(permission);
        }
        if (allowing.length === 0) {
          violations.add(describeQuestion(question, permissions));
        }
      }
    }
  }
  const unused = permissions.filter((given) => !used.has(given)).map(describe);
  return { violations: sorted(violations), unused: sorted(unused), wildcards: sorted(roles.flatMap(wildcardsOf)) };
}

function binds(binding: Binding, username: string): boolean {
  return binding.subjects.some(({ kind, name, namespace }) => {
    const subject = kind === "ServiceAccount" ? `system:serviceaccount:${namespace}:${name}` : name;
    return kind !== "Group" && subject === username;
  });
}

function refersTo({ kind, metadata, roleRef }: Binding, role: Role): boolean {
  const inReach = role.kind === "ClusterRole" || (kind === "RoleBinding" && role.metadata.namespace === metadata.namespace);
  return inReach && roleRef.kind === role.kind && roleRef.name === role.metadata.name;
}

/** Rules for URLs that are no resource are left out: nothing here needs one, so such a request is a violation. */
function permissionsOf(role: Role, namespace: string | undefined): Permission[] {
  return role.rules.flatMap(({ apiGroups, resources, resourceNames = [], verbs }) => {
    const names = resourceNames.length === 0 ? [undefined] : resourceNames;
    return apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name, namespace })))),
    );
  });
}

/**
 * What OwnerReferencesPermissionEnforcement asked the authorizer before an owner reference was set: the log shows only the request that
 * made it ask. To change the owners of an object that exists takes the right to delete it; to block the deletion of an owner, the right to
 * set finalizers on that. A refused write tells of no right, and a PUT does not show whether it changes the references.
 */
function askedByAdmission({ verb, requestURI, objectRef, requestObject, responseStatus }: Request): Question[] {
  const { metadata } = ownedSchema.safeParse(requestObject).data ?? {};
  const stored = responseStatus?.code !== undefined && responseStatus.code < 300;
  if (!stored || metadata === undefined || objectRef === undefined || objectRef.subresource !== undefined) return [];
  if (verb !== "create" && verb !== "patch") return [];
  const finalizers = metadata.ownerReferences
    .filter(({ blockOwnerDeletion }) => blockOwnerDeletion)
    .map(({ apiVersion, kind, name }): Question => {
      const apiGroup = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
      // As the plurals of all kinds here are formed.
      const resource = `${kind.toLowerCase()}s`;
      const { namespace } = objectRef;
      const owner = { apiGroup, resource, subresource: "finalizers", name, ...(namespace === undefined ? {} : { namespace }) };
      return { verb: "update", requestURI, objectRef: owner };
    });
  return verb === "create" ? finalizers : [{ verb: "delete", requestURI, objectRef }, ...finalizers];
}

function allows(permission: Permission, { verb, objectRef }: Question): boolean {
  if (objectRef === undefined) {
    return false;
  }
  const { subresource } = objectRef;
  const resource = subresource === undefined ? objectRef.resource : `${objectRef.resource}/${subresource}`;
  // The audit log takes the name of what is created from the request's body; when RBAC decides, only the URL is known.
  const name = verb === "create" && subresource === undefined ? undefined : objectRef.name;
  return (
    matches(permission.verb, verb) &&
    matches(permission.group, objectRef.apiGroup ?? "") &&
    (matches(permission.resource, resource) || (subresource !== undefined && permission.resource === `*/${subresource}`)) &&
    (permission.name === undefined || permission.name === name) &&
    (permission.namespace === undefined || permission.namespace === objectRef.namespace)
  );
}

function matches(allowed: string, asked: string): boolean {
  return allowed === "*" || allowed === asked;
}

function describe({ verb, group, resource, name, namespace }: Permission): string {
  const what = group === "" ? resource : `${resource}.${group}`;
  return [verb, what, ...(name === undefined ? [] : [`"${name}"`]), ...(namespace === undefined ? [] : [`in ${namespace}`])].join(
    " ",
  );
}

/** With the object's name only where rules go by names: else the same slip on a thousand objects would be a thousand findings. */
function describeQuestion({ verb, requestURI, objectRef }: Question, permissions: readonly Permission[]): string {
  if (objectRef === undefined) {
    return `${verb} ${new URL(requestURI, "http://localhost").pathname}`;
  }
  const { subresource, apiGroup: group = "", namespace } = objectRef;
  const resource = subresource === undefined ? objectRef.resource : `${objectRef.resource}/${subresource}`;
  const byName = permissions.some((given) => given.name !== undefined && given.group === group && given.resource === resource);
  return describe({ verb, group, resource, name: byName ? objectRef.name : undefined, namespace });
}

function wildcardsOf({ kind, metadata, rules }: Role): string[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }) => {
    const stars = Object.entries({ apiGroups, resources, resourceNames: resourceNames ?? [], nonResourceURLs, verbs })
      .filter(([, values]) => values.some((value) => value.includes("*")))
      .map(([field, values]) => `${kind} ${metadata.name}: ${field} [${values.join(", ")}]`);
    const empty =
      resourceNames?.length === 0
        ? [`${kind} ${metadata.name}: resourceNames [] on ${resources.join(", ")} means every name`]
        : [];
    return [...stars, ...empty];
  });
}

function sorted(lines: Iterable<string>): string[] {
  return [...new Set(lines)].sort();
}
