/**
 * What becomes of the observations in a host's report: each goes to the actor of its instance, which judges
 * it, unless it is stored already. Whoever hears a report may call these functions; they know of no
 * connection, and must never let one observation's trouble reach another's.
 */
import type { Observation } from "../../../protocol/machine.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { MachineKey } from "../../records/instance.ts";
import type { InstanceRegistry } from "../instance/registry.ts";

export interface ObservationOptions {
  readonly store: Pick<Store, "listOnHost" | "listStored">;
  readonly registry: Pick<InstanceRegistry, "has" | "ask" | "tell">;
  readonly log: Log;
}

/** A report: `id` is the host that sent it, `leaseEpoch` that of the host lease it held; 0: none. */
export interface Reported extends Pick<CallContext, "id" | "deadlineMs"> {
  readonly leaseEpoch: number;
}

/**
 * Passes each observation to its instance's actor, except those that are stored already: hosts repeat most
 * observations, to any controller, and no controller should load an actor for that. Answers the ids of the
 * instances whose observation is now durable.
 */
export async function take(
  machines: readonly Observation[],
  report: Reported,
  options: ObservationOptions,
): Promise<string[]> {
  const stored = await storedOf(machines, report.id, options);
  const taken = await Promise.all(
    machines.map(async (one) => stored.has(keyOf(one)) || (await takeOne(one, report, options))),
  );
  return machines.filter((_, index) => taken[index]).map(({ instanceId }) => instanceId);
}

const keyOf = ({ instanceId, ownerEpoch }: MachineKey): string => `${instanceId} ${ownerEpoch}`;

/**
 * The observations that are stored already. Instances with an actor here are not looked up: the actor knows
 * sooner than the store.
 */
async function storedOf(
  machines: readonly Observation[],
  hostId: string,
  { store, registry, log }: ObservationOptions,
): Promise<ReadonlySet<string>> {
  const strangers = machines.filter(({ instanceId }) => !registry.has(instanceId));
  if (strangers.length === 0) return new Set();
  try {
    return new Set((await store.listStored(hostId, strangers)).map(keyOf));
  } catch (error) {
    log.warn({ error, host: hostId }, "what is stored of a report was not read");
    return new Set();
  }
}

async function takeOne(
  observation: Observation,
  { deadlineMs, id: hostId, leaseEpoch }: Reported,
  { registry, log }: ObservationOptions,
): Promise<boolean> {
  try {
    return await registry.ask<boolean>(
      observation.instanceId,
      (reply) => ({ kind: "observed", hostId, observation, leaseEpoch, reply }),
      { deadlineMs },
    );
  } catch (thrown) {
    const error = StatusError.from(thrown, "Taking a report");
    const fields = { host: hostId, instance: observation.instanceId, reason: error.reason };
    log.warn(fields, "a report was not stored");
    // The instance is unknown and stays so: sending the observation for ever would not help, and the doctor
    // lists the machine.
    return error.reason === "instanceNotFound";
  }
}

/**
 * Instances that have a claim on the host but are missing in its list are asked for again; nothing is
 * concluded from their absence.
 */
export async function remindOfMissing(
  hostId: string,
  machines: readonly Observation[],
  { store, registry }: ObservationOptions,
): Promise<void> {
  const listed = new Set(machines.map(({ instanceId }) => instanceId));
  for (const instanceId of await store.listOnHost(hostId)) {
    if (listed.has(instanceId)) continue;
    // Reload first: another controller may have decided since, and an old intent must not undo that.
    await registry.tell(instanceId, { kind: "reload" });
    await registry.tell(instanceId, { kind: "tellHosts" });
  }
}
