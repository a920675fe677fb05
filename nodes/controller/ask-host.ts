/**
 * What a controller asks of a host's agent, by the method that an agent from before would refuse: one that
 * drops a field it does not know would start a guest without its fence, its CPUs or its machine type, or
 * remove a disk that shall be kept (decision 0006).
 */
import type { InstanceEffect } from "../../actors/control/instance/messages.ts";
import { limits } from "../../protocol/limits/limits.ts";
import type { hostAgentService, Observation } from "../../protocol/machine.ts";
import type { Client } from "../../protocol/wire/service.ts";

type Asked = Omit<Extract<InstanceEffect, { kind: "ensure" }>, "kind" | "hostId">;

/** @throws StatusError when the host does not answer, or refuses */
export async function askHost(
  host: Pick<Client<typeof hostAgentService>, "ensure" | "ensureLeased" | "ensureBound">,
  { leaseEpoch, ...asked }: Asked,
): Promise<Observation> {
  const timeoutMs = limits.hostRequestTimeoutMs;
  const { power, keepDisk } = asked.intent;
  const stays = power !== "deleted";
  const leased = keepDisk === true || (leaseEpoch > 0 && stays);
  const { numa, machineType } = asked.spec;
  if (stays && (numa ?? machineType) !== undefined) {
    const lease = leased ? { leaseEpoch } : {};
    return (await host.ensureBound({ ...asked, ...lease }, { timeoutMs })).observation;
  }
  const answer = leased
    ? host.ensureLeased({ ...asked, leaseEpoch }, { timeoutMs })
    : host.ensure(asked, { timeoutMs });
  return (await answer).observation;
}
