/** Whose port it is, and what the switch and the hypervisor are told of it. Pure. */
import type { Static } from "@sinclair/typebox";
import type { NetworkFacts, PortSpec, Stream } from "../../../actors/ports/network.ts";
import { MacAddress } from "../../../protocol/ip.ts";
import { answer, Count, Id, Name } from "../../../protocol/wire/schema.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import type { SwitchPlug } from "../../switch/state.ts";
import { refuseUncarried } from "../unplugged.ts";

/** A port as its file has it. */
const PortRecord = answer({
  ...{ portId: Id, networkId: Id, instanceId: Id, ownerEpoch: Count },
  ...{ hostName: Name, mac: MacAddress, mtuBytes: Count },
});
export type PortRecord = Static<typeof PortRecord>;

/** Without root the guests' processes are in the host's own network, where callers are. */
export const canPublish = (): boolean => process.getuid?.() !== 0;

/** Undefined: the text is no record. */
export function recordOf(text: string): PortRecord | undefined {
  try {
    const record: unknown = JSON.parse(text);
    return validatorOf(PortRecord).accepts(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What is recorded of a port that is asked for; `there`: what is recorded of it now. Of the same owner epoch
 * it stays as it is; another instance's says nothing about this one, whose owner epochs are its own.
 * @throws StatusError staleEpoch, hypervisorRefused
 */
export function wantedRecord(
  there: PortRecord | undefined,
  port: PortSpec,
  { mtuBytesMax, physicalNetworks = [] }: Pick<NetworkFacts, "mtuBytesMax" | "physicalNetworks">,
): PortRecord {
  const { portId, networkId, physicalNetwork, instanceId, ownerEpoch, hostName, mac, mtuBytes } = port;
  const known = there?.instanceId === instanceId ? there : undefined;
  if (known !== undefined && known.ownerEpoch > ownerEpoch)
    throw new StatusError("staleEpoch", `The port ${portId} belongs to a newer epoch.`);
  if (known?.ownerEpoch === ownerEpoch) return known;
  if (mtuBytes > mtuBytesMax)
    throw new StatusError("hypervisorRefused", `The host's network carries ${mtuBytesMax} bytes at most.`);
  refuseUncarried(physicalNetwork, physicalNetworks);
  return { portId, networkId, instanceId, ownerEpoch, hostName, mac, mtuBytes };
}

export const streamOf = ({ mac, mtuBytes }: PortRecord, path: string): Stream => ({
  ...{ kind: "stream", path, mac, mtuBytes },
});

export function plugOf(record: PortRecord, path: string): SwitchPlug {
  const { portId, networkId, instanceId, mac, mtuBytes, hostName } = record;
  return { portId, networkId, instanceId, mac, mtuBytes, hostName, path };
}

export const holdingOf = ({ portId, instanceId, ownerEpoch }: PortRecord) => ({
  ...{ instanceId, ownerEpoch, what: `port ${portId}` },
});
