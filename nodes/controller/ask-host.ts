/**
 * A controller's `ensure` to a host's agent, with the words that the agent must know: an agent that drops a
 * field it does not know would start a guest without its fence, its CPUs or its machine type, or remove a
 * disk that has to be kept (decision 0018).
 */
import type { InstanceEffect } from "../../actors/control/instance/messages.ts";
import { needsOf } from "../../protocol/agent-needs.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { hostAgentService, Observation } from "../../protocol/machine.ts";
import type { Client } from "../../protocol/wire/service.ts";

type Asked = Omit<Extract<InstanceEffect, { kind: "ensure" }>, "kind" | "hostId">;

/**
 * Sends an instance's effect to the agent of its host. `requestId`: of the command behind the effect.
 * @throws StatusError when the agent does not answer, or refuses
 */
export async function askHost(
  host: Pick<Client<typeof hostAgentService>, "ensure">,
  asked: Asked,
  requestId?: string,
): Promise<Observation> {
  const { power, keepDisk } = asked.intent;
  // A machine that is removed with its disk is removed under any host lease.
  const leaseEpoch = power === "deleted" && !keepDisk ? 0 : asked.leaseEpoch;
  const request = { ...asked, leaseEpoch, needs: needsOf({ ...asked, leaseEpoch }) };
  const { observation } = await host.ensure(request, {
    timeoutMs: wireLimits.hostRequestTimeoutMs,
    ...(requestId === undefined ? {} : { requestId }),
  });
  return observation;
}
