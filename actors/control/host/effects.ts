/**
 * Starts the effects of a host's decisions, and sends their results back to its actor. None is awaited in a
 * turn; one that fails is logged, and asked for again by a later nudge.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { PowerFence } from "../../ports/power.ts";
import type { HostRecord, LoadedHost } from "../../records/host.ts";
import type { HostPlacement } from "../instance/messages.ts";
import type { HostEffect, HostMessage, PoweredEvent } from "./messages.ts";
import type { Surveys } from "./survey.ts";

export interface HostOutside {
  readonly clock: Clock;
  readonly log: Log;
  readonly surveys: Surveys;
  readonly power: PowerFence;
  /** `to`: the host with room for the instance; null: the instance is to be stopped and needs none. */
  readonly move: (instanceId: string, hostId: string, to: HostPlacement | null) => void;
  /** Called when hosts have changed: whoever remembers hosts reads them anew. */
  readonly hostsChanged: () => void;
  readonly deliver: (hostId: string, message: HostMessage) => void;
}

export function runEffects(effects: readonly HostEffect[], { host }: LoadedHost, outside: HostOutside): void {
  if (host.draining === null) outside.surveys.forget(host.id);
  for (const effect of effects) {
    switch (effect.kind) {
      case "survey":
        void survey(effect.host, outside);
        break;
      case "move":
        outside.move(effect.instanceId, host.id, effect.to);
        break;
      case "switchOff":
        void switchOff(host.id, effect, outside);
        break;
      case "tellOfHosts":
        outside.hostsChanged();
        break;
      case "forget":
        outside.surveys.forget(host.id);
        outside.deliver(host.id, { kind: "reload" });
        break;
    }
  }
}

async function survey(host: HostRecord, { surveys, deliver, log }: HostOutside): Promise<void> {
  try {
    const found = await surveys.survey(host);
    if (found !== undefined) deliver(host.id, { kind: "surveyed", survey: found });
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking at a drained host");
    log.warn({ reason, message, host: host.id }, "a look at a drained host was cut short");
  }
}

type SwitchOff = Extract<HostEffect, { kind: "switchOff" }>;

async function switchOff(hostId: string, effect: SwitchOff, outside: HostOutside): Promise<void> {
  const { operationId, hostName } = effect;
  const { clock, deliver } = outside;
  const said = await askPower(hostName, outside);
  deliver(hostId, { kind: "powered", operationId, said, atMs: clock.monotonicMs() });
}

async function askPower(hostName: string, { power, log }: HostOutside): Promise<PoweredEvent["said"]> {
  try {
    return { proof: await power.off(hostName, new AbortController().signal) };
  } catch (thrown) {
    const error = StatusError.from(thrown, "Switching the host off");
    if (error.code === "INTERNAL") log.error({ err: thrown, host: hostName }, "a power controller failed");
    return { error: error.toBody() };
  }
}
