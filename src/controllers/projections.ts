import type { CustomDomain } from "../api/v1/custom-domain.ts";
import { FINALIZER, GROUP, LABEL_ID } from "../api/v1/group.ts";
import { findCondition } from "../core/conditions.ts";
import type { KubeObject, ObjectMeta } from "../kube/objects.ts";
import { withoutManagedFields } from "../kube/reflector.ts";
import { StatusPacker } from "../kube/status-packing.ts";

/** What is kept of a Namespace: whose it is, which classes admit it, and whether it is going. */
export function projectNamespace({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata;
  return { apiVersion, kind, metadata: compact({ name, uid, resourceVersion, labels, deletionTimestamp }) };
}

/**
 * What is kept of a CustomDomain: everything but the labels and annotations of others, and all of it until our finalizer is there,
 * which is set by a PUT of the whole object. A domain that is live is not looked at for a day, so its status is packed: 50,000 of
 * them would take a quarter of a gigabyte otherwise.
 */
export function customDomainProjection(): (domain: CustomDomain) => CustomDomain {
  const packer = new StatusPacker<CustomDomain>();
  return (domain) => {
    if (domain.metadata.finalizers?.includes(FINALIZER) !== true) return whole(domain);
    const { metadata, ...rest } = withoutManagedFields(domain);
    const { labels, annotations, ...kept } = metadata;
    const id = labels?.[LABEL_ID];
    const ours = Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(`${GROUP}/`));
    const projected: CustomDomain = {
      ...rest,
      metadata: {
        ...kept,
        ...(id === undefined ? {} : { labels: { [LABEL_ID]: id } }),
        ...(ours.length === 0 ? {} : { annotations: Object.fromEntries(ours) }),
      },
    };
    const live = findCondition(domain.status?.conditions, "Ready")?.status === "True";
    return live && metadata.deletionTimestamp === undefined ? packer.pack(projected) : projected;
  };
}

/** Without managedFields, which the API server keeps when a write does not name them. */
function whole(domain: CustomDomain): CustomDomain {
  const { managedFields: _, ...metadata } = domain.metadata as ObjectMeta & { managedFields?: unknown };
  return { ...domain, metadata };
}

function compact(metadata: { readonly [Member in keyof ObjectMeta]: ObjectMeta[Member] | undefined }): ObjectMeta {
  // Members that are undefined would be told from absent ones by every comparison.
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) as unknown as ObjectMeta;
}
