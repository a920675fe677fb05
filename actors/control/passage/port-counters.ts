/**
 * What has passed a port, as its host has it at this moment: the host is asked whenever somebody looks, and
 * nobody stores it. What nobody knows is said in words, and is never zero. It changes nothing.
 */
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { Port } from "../../../protocol/port.ts";
import type { PortCounters, PortTraffic } from "../../../protocol/traffic.ts";
import type { CallContext, Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { passageLimits } from "./limits.ts";

export interface PortCountersOptions {
  readonly store: StorePart<{ instances: "get" }>;
  readonly directory: Pick<HostDirectory, "facts" | "alive">;
  readonly hostAgent: (hostId: string) => Pick<Client<typeof hostAgentService>, "portTraffic">;
  readonly clock: Pick<Clock, "nowMs">;
}

type Word = { readonly traffic: PortTraffic } | { readonly reason: string };

/** @throws UNAVAILABLE storeUnavailable */
export const portCounters =
  (options: PortCountersOptions) =>
  async (port: Port, { signal }: Pick<CallContext, "signal">): Promise<PortCounters> => {
    const { directory, clock } = options;
    const { deviceId, device, id: portId } = port;
    const plugged = device === "instance" && deviceId !== null ? deviceId : undefined;
    const row = plugged === undefined ? undefined : await options.store.instances.get(plugged);
    const hostId = row?.instance.hostId ?? null;
    const hostName = hostId === null ? null : (directory.facts(hostId)?.name ?? hostId);
    const unknown = { portId, hostName, atMs: null, ingress: null, egress: null };
    if (hostId === null || hostName === null) return { ...unknown, reason: onNoHost(port) };
    const word = await wordOf({ portId, hostId, hostName, signal }, options);
    if ("reason" in word) return { ...unknown, ...word };
    const { agoMs, ingress, egress } = word.traffic;
    return { portId, hostName, atMs: Math.max(0, clock.nowMs() - agoMs), ingress, egress };
  };

function onNoHost({ device }: Port): string {
  if (device === null) return "Nothing is plugged in.";
  if (device === "instance") return "Its instance is on no host.";
  return "Ports of instances are counted, and no others.";
}

interface Asked {
  readonly portId: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly signal: AbortSignal;
}

async function wordOf(
  { portId, hostId, hostName, signal }: Asked,
  { directory, hostAgent }: PortCountersOptions,
): Promise<Word> {
  if (!directory.alive(hostId))
    return { reason: `The host ${hostName} is silent: nobody knows what passes there.` };
  const call = { timeoutMs: passageLimits.hostPatienceMs, signal };
  try {
    const { ports } = await hostAgent(hostId).portTraffic({ portIds: [portId] }, call);
    if (ports === null) return { reason: `The host ${hostName} counts nothing.` };
    const traffic = ports.find((one) => one.portId === portId);
    return traffic === undefined
      ? { reason: `The host ${hostName} has not counted anything of the port yet.` }
      : { traffic };
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    return { reason: whyNot(thrown, hostName) };
  }
}

function whyNot({ reason }: StatusError, hostName: string): string {
  if (reason === "unknownMethod")
    return `The agent of the host ${hostName} is of before there were counters.`;
  if (reason === "hypervisorRefused") return `The host ${hostName} cannot read what it has counted.`;
  return `The host ${hostName} does not answer.`;
}
