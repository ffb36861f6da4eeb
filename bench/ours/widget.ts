import { differs } from "../../src/core/conditions.ts";
import type { KubeObject, ObjectMeta, ResourceDefinition } from "../../src/kube/objects.ts";

export const WIDGETS: ResourceDefinition = {
  group: "bench.customdomains.dev",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  namespaced: true,
};
const API_VERSION = `${WIDGETS.group}/${WIDGETS.version}`;
export const FINALIZER = "bench.customdomains.dev/finalizer";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface WidgetStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
}

export interface WidgetSpec {
  readonly size: number;
  readonly text?: string;
}

export type Widget = KubeObject<WidgetSpec, WidgetStatus>;

/**
 * What is kept of a Widget: what the reconciler reads, so not the text, nor who wrote which field; but all of it until our
 * finalizer is there, which is set by a PUT of the whole object.
 */
export function projectWidget(widget: Widget): Widget {
  const { managedFields: _, ...whole } = widget.metadata as ObjectMeta & { readonly managedFields?: unknown };
  if (whole.finalizers?.includes(FINALIZER) !== true) return { ...widget, metadata: whole };
  const { labels: __, annotations: ___, creationTimestamp: ____, ...metadata } = whole;
  const { spec, status } = widget;
  return {
    // Constants instead of a copy for each object.
    apiVersion: API_VERSION,
    kind: WIDGETS.kind,
    metadata,
    ...(spec === undefined ? {} : { spec: { size: spec.size } }),
    ...(status === undefined ? {} : { status }),
  };
}

/** Whether what people, or whoever strips finalizers, want of it has changed; its own status is no such news. */
export function isNews(before: Widget | undefined, after: Widget | undefined): boolean {
  const wanted = ({ metadata }: Widget): unknown => [
    metadata.uid,
    metadata.generation,
    metadata.deletionTimestamp,
    metadata.finalizers,
  ];
  if (before === undefined || after === undefined) return before !== after;
  return differs(wanted(before), wanted(after));
}

export function isConverged({ metadata, status }: Widget): boolean {
  const ready = status?.conditions.find(({ type }) => type === "Ready");
  return status?.observedGeneration === metadata.generation && ready?.status === "True";
}

/** The status of a Widget whose external call was answered. */
export function convergedStatus({ metadata, status }: Widget, now: number): WidgetStatus {
  const observedGeneration = metadata.generation ?? 0;
  const before = status?.conditions.find(({ type }) => type === "Ready");
  const ready: Condition = {
    type: "Ready",
    status: "True",
    reason: "Converged",
    message: "The external system has what the spec asks for.",
    observedGeneration,
    lastTransitionTime: before?.status === "True" ? before.lastTransitionTime : `${new Date(now).toISOString().slice(0, 19)}Z`,
  };
  return { observedGeneration, conditions: [ready] };
}
