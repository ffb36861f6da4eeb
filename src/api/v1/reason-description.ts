import type {
  AbnormalConditionType,
  BillingAccountConditionType,
  CustomDomainClassConditionType,
  CustomDomainConditionType,
  CustomDomainRouteConditionType,
} from "./conditions.ts";

/**
 * Who can change the situation. Owner: who edits the domain's DNS. Tenant: who writes the CustomDomain or its routes.
 * Admin: who runs the platform. Nobody: time alone, or nothing is wrong.
 */
export type Actor = "Owner" | "Tenant" | "Admin" | "Nobody";

/** Condition types that more than one kind has; their sightings name the kind. */
type Shared = "Ready" | AbnormalConditionType;

/** Where a reason is seen: a condition, with its kind where several have it, an Event, or the list of what waits. */
export type Sighting =
  | Exclude<
      CustomDomainConditionType | CustomDomainClassConditionType | BillingAccountConditionType | CustomDomainRouteConditionType,
      Shared
    >
  | `${"CustomDomain" | "CustomDomainClass" | "BillingAccount" | "CustomDomainRoute"} ${Shared}`
  | "Event"
  | "status.pendingRequests";

export interface ReasonDescription {
  /** The conditions that it starts from; Ready, Reconciling and Stalled also repeat the reason of what holds them back. */
  readonly on: readonly Sighting[];
  readonly actor: Actor;
  readonly means: string;
  readonly remedy: string;
}

export type ReasonGroup = Readonly<Record<string, ReasonDescription>>;

export const NOTHING_TO_DO = "Nothing.";
