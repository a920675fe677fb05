/**
 * The plan of a create: what is wanted, how many of it, and what a refusal of its commit makes of that. A
 * create and its dry run go by the same plan. Pure.
 */
import { networkLimits } from "../../../protocol/limits/network.ts";
import { usedResources } from "../../../protocol/quota.ts";
import type { RecoveryPolicy } from "../../../protocol/states.ts";
import { type Denial, StatusError } from "../../../protocol/wire/status.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { CommitResult } from "../../records/commit.ts";
import type { QuotaRecord } from "../../records/placement.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import type { Wish } from "../placement/placement.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import type { PlannedVolume, VolumeQuestion } from "./asked-volumes.ts";
import type { CatalogEntries } from "./catalog-cache.ts";
import type { AskedGuest, GuestQuestion } from "./guest-check.ts";
import type { InterfaceQuestion, InterfaceWorld, PlannedInterface } from "./interfaces.ts";
import type { Where, WhereQuestion } from "./placement-request-check.ts";

export interface CreateQuestion extends AskedCreate {
  readonly image: string;
}

/** As it was asked for. */
export interface AskedCreate extends WhereQuestion, GuestQuestion, InterfaceQuestion, VolumeQuestion {
  readonly name: string;
  readonly flavor: string;
  /** Absent: that of the root volume. */
  readonly image?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly description?: string | null;
  readonly recovery?: { readonly policy: RecoveryPolicy; readonly priority?: number };
}

/** What a dry run has come by. */
export interface DryRun {
  /** Turns among equal hosts that the attempts before would have taken. */
  turns: number;
}

export interface Plan {
  readonly question: CreateQuestion;
  readonly request: RequestFacts;
  readonly entries: CatalogEntries;
  readonly where: Where;
  readonly guest: AskedGuest;
  readonly interfaces: readonly PlannedInterface[] | null;
  readonly volumes: readonly PlannedVolume[];
  /** What is known of addresses and groups; of a dry run, apart from that of all others. */
  readonly networking: InterfaceWorld;
  readonly wish: Wish;
  readonly count: number;
  readonly atLeast: number;
  /** Its commits are only rehearsed. Absent: it is no dry run. */
  readonly dryRun?: DryRun | undefined;
  /** Why `count` is less than was asked for; absent: it is not. */
  readonly rest?: Denial;
}

/**
 * The plan after a host broke the group's rule. With anti-affinity that host has a member now and is
 * excluded; with affinity the next look shows where the members are.
 */
export function without(plan: Plan, hostId: string, { group }: PlacementRequest): Plan {
  if (group?.policy !== "anti-affinity") return plan;
  const reason = "A member of the group came to it first.";
  return { ...plan, wish: { ...plan.wish, excluded: [...plan.wish.excluded, { hostId, reason }] } };
}

type Exceeded = Extract<CommitResult, { kind: "quotaExceeded" }>;

/** A create uses no other resource. */
const named: Readonly<Record<string, (limit: number) => string>> = {
  instances: (limit) => counted(limit, "instance"),
  ports: (limit) => counted(limit, "port"),
  vcpus: (limit) => counted(limit, "vCPU"),
  memoryMib: (limit) => `${limit} MiB of memory`,
  volumes: (limit) => counted(limit, "volume"),
  volumeGib: (limit) => `${limit} GiB of volumes`,
};

/** The quotas of a create's project as they are now: its own, and the default of every project. */
export interface Quotas {
  readonly own: QuotaRecord;
  readonly every: QuotaRecord;
}

/**
 * The plan as far as these quotas have room for it: a thousand hosts are not chosen, nor as many rows made,
 * for a create that its commit would refuse. The commit judges once more, by the quotas of its moment.
 * @throws quotaExceeded
 */
export function withinNow(plan: Plan, { own, every }: Quotas): Plan {
  let fitting = plan;
  const { vcpus, memoryMib } = plan.wish.flavor;
  const ports = (plan.interfaces ?? []).filter(({ kind }) => kind === "new").length;
  const each = { instances: 1, vcpus, memoryMib, ports };
  for (const resource of [...usedResources, "ports"] as const) {
    const { count } = fitting;
    const unset = resource === "ports" ? networkLimits.portsPerProjectMax : -1;
    const limit = own.limits[resource] ?? every.limits[resource] ?? unset;
    const [used, asked] = [own.used[resource], count * each[resource]];
    if (limit < 0 || asked === 0 || used + asked <= limit) continue;
    fitting = within(fitting, { kind: "quotaExceeded", resource, limit, used, asked }, count);
  }
  return fitting;
}

/**
 * The plan with as many instances as the quota has room for, if that is at least `atLeast`. @throws
 * quotaExceeded
 */
export function within(plan: Plan, { kind: _, ...exceeded }: Exceeded, made: number): Plan {
  const { resource, limit, used, asked } = exceeded;
  const may = `The project ${plan.request.project} may have ${(named[resource] ?? String)(limit)}`;
  const message = `${may}; it has ${used}, and ${asked} more ${asked === 1 ? "was" : "were"} asked for.`;
  const denial: Denial = { reason: "quotaExceeded", message, details: exceeded };
  const room = Math.floor(Math.max(0, limit - used) / (asked / made));
  if (room >= plan.atLeast && room < made) return { ...plan, count: room, rest: denial };
  throw StatusError.of(denial);
}
