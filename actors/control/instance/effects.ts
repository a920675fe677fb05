/**
 * What an instance actor does after its commit: tells hosts, asks for a host. Nothing is awaited by the turn;
 * results come back as messages, by id. Every effect may be lost or done twice: the reconciler asks for it
 * again.
 */
import type { MachineIntent, MachineSpec, Observation } from "../../../protocol/machine.ts";
import type { Code } from "../../../protocol/wire/reasons.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import type { InstanceEffect, InstanceMessage, Placement } from "./messages.ts";

export interface EnsureRequest {
  readonly spec: MachineSpec;
  readonly intent: MachineIntent;
  readonly observedGeneration: number;
  readonly leaseEpoch: number;
}

/** What effects act on: hosts, the scheduler, other instances' actors. */
export interface InstanceOutside {
  /**
   * `requestId`: of the command that this belongs to, for the host's log. @throws StatusError when the host
   * refuses or cannot be reached
   */
  askHost(hostId: string, request: EnsureRequest, requestId?: string): Promise<Observation>;
  place(instance: InstanceRecord): Promise<Placement>;
  /** The host on which room is kept, as a placement of now; undefined: it is silent, fenced or gone. */
  roomOn(hostId: string): Placement | undefined;
  /** Sends a message to the actor of an instance, loading it when needed. */
  deliver(instanceId: string, message: InstanceMessage): void;
  readonly log: Log;
}

export function runEffects(
  effects: readonly InstanceEffect[],
  { instance, operation }: Pick<LoadedInstance, "instance" | "operation">,
  outside: InstanceOutside,
): void {
  const requestId = operation?.requestId;
  for (const effect of effects) {
    const done =
      effect.kind === "ensure" ? ensure(effect, requestId, outside) : place(effect, instance, outside);
    done.catch((error: unknown) => {
      outside.log.error(
        { error, instance: instance.id, requestId, effect: effect.kind },
        "an effect failed unexpectedly",
      );
    });
  }
}

/**
 * Errors that a retry cannot help: the host's version does not understand the message. Logged as a warning.
 */
const notUnderstood: ReadonlySet<Code> = new Set(["INVALID_ARGUMENT", "UNIMPLEMENTED"]);

async function ensure(
  effect: Extract<InstanceEffect, { kind: "ensure" }>,
  requestId: string | undefined,
  { askHost, deliver, log }: InstanceOutside,
): Promise<void> {
  const { kind: _, hostId, ...request } = effect;
  const { spec, intent, leaseEpoch } = request;
  try {
    const observation = await askHost(hostId, request, requestId);
    deliver(spec.instanceId, {
      kind: "observed",
      hostId,
      observation,
      leaseEpoch,
      answers: true,
      reply: undefined,
    });
  } catch (thrown) {
    const error = StatusError.from(thrown, "Telling the host");
    const about = { instance: spec.instanceId, requestId, host: hostId };
    const fields = { ...about, reason: error.reason, message: error.message };
    if (notUnderstood.has(error.code))
      log.warn(fields, "the host and this controller do not understand each other");
    else log.debug(fields, "the host did not take it");
    const stale = error.reason === "staleGeneration" || error.reason === "staleEpoch";
    if (stale) deliver(spec.instanceId, { kind: "reload" });
    if (error.reason !== "diskFull") return;
    const { ownerEpoch } = spec;
    const refused = { hostId, ownerEpoch, generation: intent.generation, message: error.message };
    deliver(spec.instanceId, { kind: "refused", reason: "diskFull", ...refused });
  }
}

/** Places the instance on the host where room is kept, if that host can take it now; else on any other. */
async function place(
  { keptOn }: Extract<InstanceEffect, { kind: "place" }>,
  instance: InstanceRecord,
  { roomOn, place, deliver }: InstanceOutside,
): Promise<void> {
  const kept = keptOn === undefined ? undefined : roomOn(keptOn);
  const placement = kept ?? (await place(instance));
  deliver(instance.id, { kind: "placed", placement, ownerEpoch: instance.ownerEpoch });
}
