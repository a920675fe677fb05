/**
 * What becomes of the observations in a host's report, each for itself: what is stored already and what is of
 * no instance is answered, what cannot be is refused, and the others go to the actors of their instances,
 * which judge them. Whoever hears a report may call these functions; they know of no connection. One
 * observation's trouble must never reach another's, and what a host invents must load no actor.
 */
import { isPossible } from "../../../protocol/generation.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { ReportedMachine } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { MachineKey } from "../../records/instance.ts";
import type { ObservedAnswer } from "../instance/messages.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import { fleetLimits } from "./limits.ts";
import type { StrangeReports } from "./strange-reports.ts";

export interface ObservationOptions {
  readonly store: StorePart<{ instances: "onHost" | "reported" }>;
  readonly registry: Pick<InstanceRegistry, "has" | "ask" | "tell">;
  readonly strange: Pick<StrangeReports, "note">;
}

/**
 * A report: `id` is the host that sent it, `leaseEpoch` that of the host lease it held; 0: none. `complete`:
 * it repeats what was reported before.
 */
export interface Reported extends Pick<CallContext, "id" | "deadlineMs" | "leftOut"> {
  readonly leaseEpoch: number;
  readonly complete: boolean;
}

/**
 * `settled`: deciding about it would change nothing. `unknown`: of no instance. `impossible`: its generation
 * cannot be. `news`: for the instance's actor. `open`: heard, and to be reported again. `failed`: nobody
 * could say, for this reason.
 */
type Verdict = "settled" | "unknown" | "impossible" | "news" | "open" | { readonly failed: string };

/**
 * Takes in the observations of a report: those that are no news wake no actor, since hosts repeat most, to
 * any controller. Answers the ids of the instances whose observation need not be sent again; never rejects.
 */
export async function take(
  machines: readonly Observation[],
  report: Reported,
  options: ObservationOptions,
): Promise<string[]> {
  const judge = await judgeOf(machines, report, options);
  const verdicts = await Promise.all(
    machines.map(async (one) => {
      const verdict = judge(one);
      return { one, verdict: verdict === "news" ? await takeOne(one, report, options) : verdict };
    }),
  );
  const idsOf = (wanted: Verdict) =>
    verdicts.flatMap(({ one, verdict }) => (verdict === wanted ? [one.instanceId] : []));
  const [impossible, unknown] = [idsOf("impossible"), idsOf("unknown")];
  const failed = verdicts.flatMap(({ one: { instanceId }, verdict }) =>
    typeof verdict === "string" ? [] : [{ instanceId, reason: verdict.failed }],
  );
  options.strange.note(report.id, { leftOut: report.leftOut, impossible, unknown, failed, foreignDeeds: 0 });
  for (const id of [...new Set(impossible)].slice(0, fleetLimits.generationsToldMax))
    await tellAnew(id, options);
  // An instance that does not exist will not: its machine is the doctor's.
  return [...idsOf("settled"), ...unknown];
}

const keyOf = ({ instanceId, ownerEpoch }: MachineKey): string => `${instanceId} ${ownerEpoch}`;

/**
 * How to judge each observation, by one read of the store at most. A change of an instance with an actor here
 * is news without a read; a repetition must not keep that actor in memory. When the store does not answer,
 * only instances with an actor here are asked: no other could load its row.
 */
async function judgeOf(
  machines: readonly Observation[],
  { id: hostId, complete }: Reported,
  { store, registry }: ObservationOptions,
): Promise<(one: Observation) => Verdict> {
  const unread = new Set(complete ? [] : machines.filter(({ instanceId }) => registry.has(instanceId)));
  const read = machines.filter((one) => !unread.has(one));
  if (read.length === 0) return () => "news";
  try {
    const rows = new Map((await store.instances.reported(read)).map((row) => [keyOf(row), row]));
    return (one) => (unread.has(one) ? "news" : verdictOf(one, rows.get(keyOf(one)), hostId));
  } catch (thrown) {
    const { reason } = StatusError.from(thrown, "Reading what is stored of a report");
    return ({ instanceId }) => (registry.has(instanceId) ? "news" : { failed: reason });
  }
}

function verdictOf(one: Observation, row: ReportedMachine | undefined, hostId: string): Verdict {
  if (row === undefined) return "unknown";
  const { claimedBy, seen } = row;
  // Without a claim it is told to go, unless it is gone.
  if (claimedBy === null) return one.state === "gone" ? "settled" : "news";
  if (claimedBy !== hostId) return "settled";
  if (seen?.generation === one.generation && seen.state === one.state) return "settled";
  return isPossible(seen?.generation, one.generation) ? "news" : "impossible";
}

async function takeOne(
  observation: Observation,
  { deadlineMs, id: hostId, leaseEpoch }: Reported,
  { registry }: ObservationOptions,
): Promise<Verdict> {
  try {
    return await registry.ask<ObservedAnswer>(
      observation.instanceId,
      (reply) => ({ kind: "observed", hostId, observation, leaseEpoch, reply }),
      { deadlineMs },
    );
  } catch (thrown) {
    const { reason } = StatusError.from(thrown, "Taking a report");
    return reason === "instanceNotFound" ? "unknown" : { failed: reason };
  }
}

/**
 * Has the hosts of an instance told what it shall be, and which generation is stored. Reload first: another
 * controller may have decided since, and an old intent must not undo that.
 */
async function tellAnew(instanceId: string, { registry }: ObservationOptions): Promise<void> {
  await registry.tell(instanceId, { kind: "reload" });
  await registry.tell(instanceId, { kind: "tellHosts" });
}

/**
 * Instances that have a claim on the host but are missing in its list are asked for again; nothing is
 * concluded from their absence.
 */
export async function remindOfMissing(
  hostId: string,
  machines: readonly Observation[],
  options: ObservationOptions,
): Promise<void> {
  const listed = new Set(machines.map(({ instanceId }) => instanceId));
  for (const instanceId of await options.store.instances.onHost(hostId))
    if (!listed.has(instanceId)) await tellAnew(instanceId, options);
}
